"""Well-formed studies by the thousand: CT, MR, multi-frame US, SR, SEG, PR and RT, with pixels.

``write_studies`` makes a folder of them, the same for the same seed. Every series is made once with
pydicom; its instances differ from the first in UIDs and numbers of a fixed width, which are put into
the bytes, so that a hundred thousand files take a minute.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

KINDS = ("CT", "MR", "US", "SR", "SEG", "PR", "RTPLAN", "RTSTRUCT")
_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "US": "1.2.840.10008.5.1.4.1.1.3.1",
    "SR": "1.2.840.10008.5.1.4.1.1.88.22",
    "SEG": "1.2.840.10008.5.1.4.1.1.66.4",
    "PR": "1.2.840.10008.5.1.4.1.1.11.1",
    "RTPLAN": "1.2.840.10008.5.1.4.1.1.481.5",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
}
_FAMILIES = ("Doe", "Müller", "García", "Ng", "O'Neill", "Świątek", "Smith", "Åberg")
_PARTS = ("CHEST", "ABDOMEN", "HEAD", "LIVER", "BREAST")
_NUMBER = "000001"
"""The instance number of a template: as wide as those that take its place."""


@dataclass(frozen=True)
class Made:
    """An instance that was written."""

    path: Path
    kind: str
    study: str
    series: str
    instance: str


def uid_of(*words: object) -> str:
    """Make a UID out of words: always the same, and always 43 characters long."""
    number = int.from_bytes(hashlib.sha256(repr(words).encode()).digest())
    return f"2.25.{10**37 + number % (9 * 10**37)}"


def write_studies(
    folder: Path,
    studies: int,
    instances: int,
    *,
    kinds: Sequence[str] = KINDS,
    size: int = 16,
    seed: int = 0,
) -> list[Made]:
    """Write studies, one series each, below a folder.

    Args:
        folder: Where; made if it is missing.
        studies: How many; each next one is of the next kind.
        instances: How many a study.
        kinds: Which kinds.
        size: Rows and columns of a frame.
        seed: Another gives other UIDs.

    Returns:
        What was written, in the order of its paths.
    """
    made: list[Made] = []
    for number in range(studies):
        kind = kinds[number % len(kinds)]
        place = folder / f"patient{number // 2:06}" / f"study{number:06}" / kind
        place.mkdir(parents=True)
        for each, (uid, data) in enumerate(
            series_of(kind, number, instances, size=size, seed=seed)
        ):
            path = place / f"{each + 1:06}.dcm"
            path.write_bytes(data)
            made.append(Made(path, kind, uid_of(seed, number), uid_of(seed, number, "s"), uid))
    return made


def series_of(
    kind: str, number: int, instances: int, *, size: int = 16, seed: int = 0
) -> Iterator[tuple[str, bytes]]:
    """Make the files of a series.

    Args:
        kind: One of ``KINDS``.
        number: Of the study; the patient is the same for two in a row.
        instances: How many.
        size: Rows and columns of a frame.
        seed: Another gives other UIDs.

    Yields:
        The SOP instance UID, and the bytes of the file.
    """
    first = uid_of(seed, number, "s", 0)
    template = written(dataset_of(kind, number, first, size=size, seed=seed))
    for each in range(instances):
        uid = uid_of(seed, number, "s", each)
        data = template.replace(first.encode(), uid.encode())
        yield uid, data.replace(_NUMBER.encode(), f"{each + 1:06}".encode())


def written(dataset: Dataset) -> bytes:
    """Give the file of a data set."""
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def dataset_of(kind: str, number: int, instance: str, *, size: int = 16, seed: int = 0) -> Dataset:
    """Make the first instance of a series."""
    dataset = Dataset()
    meta = dataset.file_meta = FileMetaDataset()
    # A third of what is in archives has no value representations.
    implicit = number % 3 == 2
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID(_CLASSES[kind])
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID(instance)
    dataset.StudyInstanceUID = UID(uid_of(seed, number))
    dataset.SeriesInstanceUID = UID(uid_of(seed, number, "s"))
    _about(dataset, kind, number, seed)
    _MAKERS[kind](dataset, size)
    return dataset


def _about(dataset: Dataset, kind: str, number: int, seed: int) -> None:
    """Say whose it is, and of which study, series and machine."""
    patient = number // 2
    day = f"20{10 + number % 15:02}{1 + number % 12:02}{1 + number % 28:02}"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = f"{_FAMILIES[patient % len(_FAMILIES)]}^Given{patient:06}"
    dataset.PatientID = f"P{seed}{patient:06}"
    dataset.PatientBirthDate = f"19{30 + patient % 60:02}0{1 + patient % 9}15"
    dataset.PatientSex = "FMO"[patient % 3]
    dataset.PatientAge = f"{20 + patient % 60:03}Y"
    dataset.PatientWeight = str(50 + patient % 50)
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = (
        f"{8 + number % 12:02}3015.250000"
    )
    dataset.AccessionNumber = f"A{number:07}"
    dataset.ReferringPhysicianName = "Referrer^Rita^^Dr."
    dataset.OperatorsName = ["First^Op", "Second^Op"]
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = str(number), 1, 1
    dataset["InstanceNumber"].value = _NUMBER
    dataset.StudyDescription = f"{_PARTS[number % len(_PARTS)].title()} {kind}"
    dataset.SeriesDescription = f"{kind} series, routine"
    dataset.Modality = kind
    dataset.Manufacturer, dataset.ManufacturerModelName = "Made Up Imaging", f"Model {number % 7}"
    dataset.InstitutionName, dataset.StationName = "Hospital of the Tests", f"ST{number % 9}"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = f"SN{number % 9:04}", ["1.0", "b"]
    dataset.ProcedureCodeSequence = [_code("P5-09051", "SRT", "Scan of something")]
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = f"RP{number}", f"SPS{number}"
    request.ScheduledProtocolCodeSequence = [_code("PROT1", "99TEST", "Routine")]
    dataset.RequestAttributesSequence = [request]
    private = dataset.private_block(0x0019, "MADE UP 01", create=True)
    private.add_new(0x01, "LO", "kept for service")
    private.add_new(0x02, "DS", ["1.5", "2.5"])


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _pixels(dataset: Dataset, size: int, *, frames: int = 1, bits: int = 16) -> None:
    """Give gray pixels: a slope, so that a window shows something."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows = dataset.Columns = size
    dataset.BitsAllocated = bits
    dataset.BitsStored = 12 if bits == 16 else bits
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    slope = np.add.outer(np.arange(size), np.arange(size)) * (
        (1 << dataset.BitsStored) // (2 * size)
    )
    one = slope.astype("<u2" if bits == 16 else "u1")
    dataset.add_new("PixelData", "OW" if bits == 16 else "OB", b"".join([one.tobytes()] * frames))


def _slice(dataset: Dataset, size: int) -> None:
    dataset.FrameOfReferenceUID = UID(dataset.SeriesInstanceUID + ".1")
    dataset.PositionReferenceIndicator = None
    dataset.PixelSpacing, dataset.SliceThickness = ["0.78125", "0.78125"], "2.5"
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.ImagePositionPatient = ["-200", "-200", "12.5"]
    dataset.SliceLocation, dataset.PatientPosition = "12.5", "HFS"
    dataset.AcquisitionNumber = 1
    dataset.AcquisitionDate, dataset.AcquisitionTime = dataset.StudyDate, "113016"
    dataset.AcquisitionDateTime = f"{dataset.StudyDate}113016.125000"
    dataset.BodyPartExamined = dataset.StudyDescription.split()[0].upper()
    dataset.WindowCenter, dataset.WindowWidth = ["1040", "600"], ["400", "1500"]
    dataset.WindowCenterWidthExplanation = ["SOFT", "LUNG"]
    _pixels(dataset, size)


def _ct(dataset: Dataset, size: int) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.KVP, dataset.XRayTubeCurrent, dataset.ExposureTime = "120", "250", "500"
    dataset.Exposure, dataset.FilterType, dataset.ConvolutionKernel = "125", "BODY", "B30f"
    dataset.GantryDetectorTilt, dataset.TableHeight, dataset.RotationDirection = "0", "150", "CW"
    dataset.ReconstructionDiameter, dataset.DataCollectionDiameter = "400", "500"
    dataset.SingleCollimationWidth, dataset.SpiralPitchFactor, dataset.CTDIvol = 0.625, 0.984, 8.5
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "-1024", "1", "HU"
    dataset.ContrastBolusAgent, dataset.ScanOptions = "agent", "HELICAL"
    _slice(dataset, size)


def _mr(dataset: Dataset, size: int) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.ScanningSequence, dataset.SequenceVariant = ["SE"], ["SK", "SP"]
    dataset.ScanOptions, dataset.MRAcquisitionType = "PFP", "2D"
    dataset.EchoTime, dataset.RepetitionTime, dataset.EchoTrainLength = "15", "600", "1"
    dataset.MagneticFieldStrength, dataset.ImagingFrequency, dataset.FlipAngle = "1.5", "63.6", "90"
    dataset.AcquisitionMatrix = [0, 256, 192, 0]
    dataset.ProtocolName, dataset.ReceiveCoilName = "t1_se_tra", "HEAD"
    _slice(dataset, size)


def _us(dataset: Dataset, size: int) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    dataset.NumberOfFrames, dataset.FrameTime = 3, "40"
    dataset.FrameIncrementPointer = 0x00181063
    dataset.LossyImageCompression, dataset.BodyPartExamined = "00", "LIVER"
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1 = region.RegionLocationMaxY1 = size - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.05
    dataset.SequenceOfUltrasoundRegions = [region]
    _pixels(dataset, size, frames=3, bits=8)


def _referring(dataset: Dataset) -> Dataset:
    """Name an image of the same study, as reports and presentations do."""
    image = Dataset()
    image.ReferencedSOPClassUID = UID(_CLASSES["CT"])
    image.ReferencedSOPInstanceUID = UID(dataset.StudyInstanceUID + ".9")
    return image


def _sr(dataset: Dataset, _size: int) -> None:
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = [_code("126000", "DCM", "Imaging Measurement Report")]
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    text, number = Dataset(), Dataset()
    text.RelationshipType, text.ValueType = "CONTAINS", "TEXT"
    text.ConceptNameCodeSequence = [_code("121071", "DCM", "Finding")]
    text.TextValue = "Nothing was found; größer als erwartet."
    number.RelationshipType, number.ValueType = "CONTAINS", "NUM"
    number.ConceptNameCodeSequence = [_code("410668003", "SCT", "Length")]
    measured = Dataset()
    measured.NumericValue, measured.FloatingPointValue = "12.5", 12.5
    measured.MeasurementUnitsCodeSequence = [_code("mm", "UCUM", "millimeter")]
    number.MeasuredValueSequence = [measured]
    dataset.ContentSequence = [text, number]


def _seg(dataset: Dataset, size: int) -> None:
    dataset.ImageType, dataset.NumberOfFrames = ["DERIVED", "PRIMARY"], 2
    dataset.ContentLabel, dataset.ContentDescription = "SEG", "segments"
    dataset.ContentCreatorName, dataset.LossyImageCompression = "Reader^Ada", "00"
    dataset.SegmentationType, dataset.FrameOfReferenceUID = (
        "BINARY",
        UID(dataset.SeriesInstanceUID + ".1"),
    )
    dataset.PositionReferenceIndicator = None
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel, segment.SegmentAlgorithmType = 1, "Liver", "MANUAL"
    segment.SegmentedPropertyCategoryCodeSequence = [_code("123037004", "SCT", "Anatomy")]
    segment.SegmentedPropertyTypeCodeSequence = [_code("10200004", "SCT", "Liver")]
    dataset.SegmentSequence = [segment]
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = ["0.78125", "0.78125"], "2.5"
    orientation.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for index in (1, 2):
        frame, content, position, which = Dataset(), Dataset(), Dataset(), Dataset()
        content.DimensionIndexValues = [1, index]
        position.ImagePositionPatient = ["-200", "-200", str(2.5 * index)]
        which.ReferencedSegmentNumber = 1
        frame.FrameContentSequence, frame.PlanePositionSequence = [content], [position]
        frame.SegmentIdentificationSequence = [which]
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
    _pixels(dataset, size, frames=2, bits=8)
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    bits = np.packbits(
        np.tile([0, 1], size * size), bitorder="little"
    )  # one bit a pixel, two frames
    dataset.PixelData = bits.tobytes() + b"\0" * (bits.nbytes % 2)


def _pr(dataset: Dataset, size: int) -> None:
    dataset.ContentLabel, dataset.ContentDescription = "VIEW", None
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = dataset.StudyDate, "120000"
    dataset.ContentCreatorName = "Reader^Ada"
    series = Dataset()
    series.SeriesInstanceUID = UID(dataset.StudyInstanceUID + ".8")
    series.ReferencedImageSequence = [_referring(dataset)]
    dataset.ReferencedSeriesSequence = [series]
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = (
        [1, 1],
        [size, size],
    )
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    dataset.DisplayedAreaSelectionSequence = [area]
    window = Dataset()
    window.WindowCenter, window.WindowWidth = "1040", "400"
    dataset.SoftcopyVOILUTSequence = [window]
    dataset.PresentationLUTShape = "IDENTITY"


def _plan(dataset: Dataset, _size: int) -> None:
    dataset.RTPlanLabel, dataset.RTPlanGeometry = "plan", "PATIENT"
    dataset.RTPlanDate, dataset.RTPlanTime = dataset.StudyDate, "120000"
    dataset.ApprovalStatus = "UNAPPROVED"
    group, beam, point = Dataset(), Dataset(), Dataset()
    group.FractionGroupNumber, group.NumberOfFractionsPlanned = 1, 30
    group.NumberOfBeams, group.NumberOfBrachyApplicationSetups = 1, 0
    dataset.FractionGroupSequence = [group]
    beam.BeamNumber, beam.BeamName, beam.BeamType = 1, "AP", "STATIC"
    beam.RadiationType, beam.TreatmentMachineName = "PHOTON", "LINAC1"
    point.ControlPointIndex, point.CumulativeMetersetWeight = 0, "0"
    point.NominalBeamEnergy, point.GantryAngle = "6", "180"
    beam.NumberOfControlPoints, beam.ControlPointSequence = 1, [point]
    dataset.BeamSequence = [beam]


def _struct(dataset: Dataset, _size: int) -> None:
    dataset.StructureSetLabel = "organs"
    dataset.StructureSetDate, dataset.StructureSetTime = dataset.StudyDate, "120000"
    dataset.ApprovalStatus = "UNAPPROVED"
    frame = UID(dataset.SeriesInstanceUID + ".1")
    region, contours, contour, observed = Dataset(), Dataset(), Dataset(), Dataset()
    region.ROINumber, region.ReferencedFrameOfReferenceUID = 1, frame
    region.ROIName, region.ROIGenerationAlgorithm = "Liver", "MANUAL"
    dataset.StructureSetROISequence = [region]
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 3
    contour.ContourData = ["0", "0", "12.5", "10", "0", "12.5", "10", "10", "12.5"]
    contours.ROIDisplayColor, contours.ReferencedROINumber = [255, 0, 0], 1
    contours.ContourSequence = [contour]
    dataset.ROIContourSequence = [contours]
    observed.ObservationNumber, observed.ReferencedROINumber = 1, 1
    observed.RTROIInterpretedType, observed.ROIInterpreter = "ORGAN", None
    dataset.RTROIObservationsSequence = [observed]


_MAKERS: dict[str, Callable[[Dataset, int], None]] = {
    "CT": _ct,
    "MR": _mr,
    "US": _us,
    "SR": _sr,
    "SEG": _seg,
    "PR": _pr,
    "RTPLAN": _plan,
    "RTSTRUCT": _struct,
}
