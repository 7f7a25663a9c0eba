"""Writes in a transaction that nobody ends: `killed_writer.py BROKER TOPIC PARTITION` says `written`, and waits."""

import asyncio
import sys

from aiokafka import AIOKafkaProducer


async def main(broker: str, topic: str, partition: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker, transactional_id="killed", transaction_timeout_ms=1000)
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"{}", partition=partition)
    print("written", flush=True)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
