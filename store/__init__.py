"""Where records and facts rest: an embedded SQLite file or InfluxDB, behind one Protocol."""
