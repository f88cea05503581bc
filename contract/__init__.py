"""What two processes must agree on: records, facts, topics, series. Pure: standard library and msgspec."""
