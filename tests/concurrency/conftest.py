from tests.workers import broker, no_broker, start_worker

__all__ = ["broker", "no_broker", "start_worker"]
