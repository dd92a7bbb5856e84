"""The pixels of DICOM files: read, drawn, and written in other transfer syntaxes.

Memory is bounded before anything is decoded, and whatever is written is read again and compared.
``native`` and ``codestreams`` know the forms, ``rendering`` draws, ``transcoding`` decides.
Elements other than pixels pass as they are.
"""
