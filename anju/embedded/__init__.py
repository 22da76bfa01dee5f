"""What a machine without any server needs: PostgreSQL from a wheel, an MQTT broker from a wheel."""
