"""A password of the stack's own RabbitMQ may have any sign that means something in an address or a file."""

from pathlib import Path

import aio_pika
from deploy.servers import private


async def test_a_password_with_signs_of_addresses_and_files_opens_the_broker(tmp_path: Path) -> None:
    with private.rabbitmq(tmp_path / "broker", password="""p#s/s?%41 @:'"$\\""") as broker:
        connection = await aio_pika.connect(broker.url)
        await connection.close()
