"""The protocol's ports on Azure Blob and Table Storage, and the read models."""
