"""The data plane: typed messages with natural batching, no task, header or ack per message.

``demux`` parts the server's stream, ``wire`` is the seam with nats-py, ``queues`` hold what waits, ``channel`` hands
on batches, ``plane`` publishes and subscribes, ``meters`` counts. Order: within one ``subscribe`` call the messages of
a publisher reach the handler in the order in which they were published, over all its subjects: one NATS connection
keeps it.
"""

from foretick.common.runtime.data_plane.channel import Channel, Handler
from foretick.common.runtime.data_plane.plane import DataPlane, Spawn

__all__ = ["Channel", "DataPlane", "Handler", "Spawn"]
