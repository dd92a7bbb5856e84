"""The tables of NCI Imaging Data Commons in BigQuery, as far as idc-index-data's queries read them.

Source: release 25 of the public dataset; names and types only.
"""

from __future__ import annotations

from dicomfilter.schema import Column, SqlType, TableSchema

_CODE = "STRUCT<CodeValue STRING, CodingSchemeDesignator STRING, CodeMeaning STRING>"
_TEXTS = """
    SOPInstanceUID SeriesInstanceUID StudyInstanceUID PatientID PatientAge PatientSex Modality
    StudyDescription SeriesDescription SOPClassUID BodyPartExamined TransferSyntaxUID SeriesNumber
    PhotometricInterpretation Manufacturer ManufacturerModelName collection_id analysis_result_id
    source_DOI license_short_name aws_bucket crdc_series_uuid crdc_instance_uuid series_aws_url
    ContainerIdentifier AnnotationCoordinateType ContrastBolusAgent ContrastBolusIngredient
    ContrastBolusRoute SliceThickness KVP GantryDetectorTilt XRayTubeCurrent FilterType Exposure
    ExposureTime DataCollectionDiameter ReconstructionDiameter MagneticFieldStrength EchoTime
    MRAcquisitionType RepetitionTime EchoTrainLength FlipAngle PixelBandwidth ImagingFrequency
    ImagedNucleus InversionTime ReceiveCoilName SequenceName NumberOfTemporalPositions Units
    DecayCorrection RandomsCorrectionMethod ReconstructionMethod ActualFrameDuration
    ScatterCorrectionMethod AttenuationCorrectionMethod FrameOfReferenceUID SegmentationType
"""
_INTEGERS = """
    Rows Columns PixelRepresentation TotalPixelMatrixColumns TotalPixelMatrixRows NumberOfSlices
    NumberOfTimeSlices instance_size
"""
_LISTS = """
    PixelSpacing ImageType ScanOptions ConvolutionKernel ScanningSequence SequenceVariant SeriesType
    CorrectedImage ImagePositionPatient ImageOrientationPatient
"""
_UID = "STRUCT<ReferencedSOPInstanceUID STRING>"
_STEP = f"STRUCT<ConceptNameCodeSequence ARRAY<{_CODE}>, ConceptCodeSequence ARRAY<{_CODE}>>"
_SEQUENCES = {
    "OpticalPathSequence": (
        f"ARRAY<STRUCT<ObjectiveLensPower STRING, IlluminationTypeCodeSequence ARRAY<{_CODE}>>>"
    ),
    "SharedFunctionalGroupsSequence": (
        "ARRAY<STRUCT<PixelMeasuresSequence ARRAY<STRUCT<PixelSpacing ARRAY<STRING>>>>>"
    ),
    "SpecimenDescriptionSequence": (
        "ARRAY<STRUCT<PrimaryAnatomicStructureSequence ARRAY<STRUCT<CodeValue STRING,"
        " CodingSchemeDesignator STRING, CodeMeaning STRING,"
        f" PrimaryAnatomicStructureModifierSequence ARRAY<{_CODE}>>>, SpecimenPreparationSequence"
        f" ARRAY<STRUCT<SpecimenPreparationStepContentItemSequence ARRAY<{_STEP}>>>>>"
    ),
    "AdmittingDiagnosesCodeSequence": f"ARRAY<{_CODE}>",
    "AnnotationGroupSequence": (
        "ARRAY<STRUCT<AnnotationGroupNumber INT64, AnnotationGroupUID STRING, AnnotationGroupLabel"
        " STRING, AnnotationGroupGenerationType STRING, NumberOfAnnotations INT64, GraphicType"
        f" STRING, AnnotationPropertyCategoryCodeSequence ARRAY<{_CODE}>,"
        f" AnnotationPropertyTypeCodeSequence ARRAY<{_CODE}>,"
        " AnnotationGroupAlgorithmIdentificationSequence ARRAY<STRUCT<AlgorithmName STRING>>>>"
    ),
    "ReferencedSeriesSequence": (
        f"ARRAY<STRUCT<SeriesInstanceUID STRING, ReferencedInstanceSequence ARRAY<{_UID}>>>"
    ),
    "ReferencedImageSequence": f"ARRAY<{_UID}>",
    "SourceImageSequence": f"ARRAY<{_UID}>",
    "SegmentSequence": (
        "ARRAY<STRUCT<SegmentNumber INT64, TrackingUID STRING, TrackingID STRING,"
        " SegmentAlgorithmType STRING, SegmentAlgorithmName ARRAY<STRING>,"
        f" SegmentedPropertyCategoryCodeSequence ARRAY<{_CODE}>,"
        f" SegmentedPropertyTypeCodeSequence ARRAY<{_CODE}>, AnatomicRegionSequence"
        " ARRAY<STRUCT<CodeValue STRING, CodingSchemeDesignator STRING, CodeMeaning STRING,"
        f" AnatomicRegionModifierSequence ARRAY<{_CODE}>>>>>"
    ),
    "StructureSetROISequence": (
        "ARRAY<STRUCT<ROINumber INT64, ROIName STRING, ROIGenerationAlgorithm STRING>>"
    ),
    "RTROIObservationsSequence": (
        "ARRAY<STRUCT<ReferencedROINumber INT64, RTROIInterpretedType STRING>>"
    ),
    "ReferencedFrameOfReferenceSequence": (
        "ARRAY<STRUCT<RTReferencedStudySequence ARRAY<STRUCT<RTReferencedSeriesSequence"
        " ARRAY<STRUCT<SeriesInstanceUID STRING>>>>>>"
    ),
    "RadiopharmaceuticalInformationSequence": (
        f"ARRAY<STRUCT<RadionuclideCodeSequence ARRAY<{_CODE}>, RadionuclideTotalDose STRING,"
        " RadiopharmaceuticalStartTime TIME, Radiopharmaceutical STRING>>"
    ),
}
_ALL = {
    **dict.fromkeys(_TEXTS.split(), "STRING"),
    **dict.fromkeys(_INTEGERS.split(), "INT64"),
    **dict.fromkeys(_LISTS.split(), "ARRAY<STRING>"),
    **dict.fromkeys(("SpiralPitchFactor", "DiffusionBValue"), "FLOAT64"),
    **dict.fromkeys(("StudyDate", "SeriesDate"), "DATE"),
    "StudyTime": "TIME",
    **_SEQUENCES,
}
_OTHERS = {
    "idc_v25.dicom_metadata_curated": {"SOPInstanceUID": "STRING", "BodyPartExamined": "STRING"},
    "idc_v25.auxiliary_metadata": {
        "SeriesInstanceUID": "STRING",
        "series_init_idc_version": "INT64",
        "series_revised_idc_version": "INT64",
    },
    "idc_v25.version_metadata": {"idc_version": "INT64", "version_timestamp": "DATE"},
    "idc_v25.analysis_results_metadata": {
        **dict.fromkeys(
            (
                "analysis_result_id analysis_result_title source_doi source_url collections"
                " modalities license_url license_long_name license_short_name description citation"
                " provenance"
            ).split(),
            "STRING",
        ),
        "subjects": "INT64",
        "Updated": "DATE",
    },
    "idc_v25.original_collections_metadata": {
        **dict.fromkeys(
            (
                "collection_name collection_id cancer_types tumor_locations species supporting_data"
                " program_id status description"
            ).split(),
            "STRING",
        ),
        "subjects": "INT64",
        "updated": "DATE",
        "sources": "ARRAY<STRUCT<source_id STRING>>",
    },
    "idc_v25_clinical.column_metadata": {
        "collection_id": "STRING",
        "table_name": "STRING",
        "column": "STRING",
        "column_label": "STRING",
        "values": "ARRAY<STRUCT<option_code STRING>>",
    },
}


def idc_tables() -> dict[str, TableSchema]:
    """Give the tables by their full names."""
    tables = {"idc_v25.dicom_all": _ALL, "idc_v25.dicom_metadata": _ALL, **_OTHERS}
    tables["idc_v5.dicom_metadata"] = _ALL
    return {
        f"bigquery-public-data.{name}": TableSchema(
            tuple(Column(column, SqlType.parse(of)) for column, of in columns.items())
        )
        for name, columns in tables.items()
    }
