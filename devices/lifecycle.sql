-- insert_swap --
INSERT INTO meter_swap (change_id, channel, old_device_id, new_device_id, unit_id, at, old_final, new_first)
VALUES (%(change_id)s, %(channel)s, %(old)s, %(new)s, %(unit_id)s, %(at)s, %(old_final)s, %(new_first)s)
