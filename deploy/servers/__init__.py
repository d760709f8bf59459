"""RabbitMQ and Azurite as processes: their installation, their configuration, and private ones for tests."""
