"""Objects in Cloud Storage.

Objects are uploaded in parts, composed, downloaded and listed, each with its generation and
CRC32C, so that nothing is replaced that was not meant. ``client`` alone makes Google's client.
What is written there, and why, is not decided here.
"""
