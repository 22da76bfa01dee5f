-- api: who may work on devices, alerts and commands.
INSERT INTO role (code, zh, en) VALUES ('installer', '安装人员', 'installer');
INSERT INTO role_permission VALUES
    ('installer', 'device.read'), ('installer', 'device.install'), ('installer', 'unit.list'),
    ('operator', 'device.read'), ('operator', 'device.install'), ('operator', 'device.correct'),
    ('operator', 'alert.read'), ('operator', 'alert.handle'), ('operator', 'command.ask'),
    ('operator', 'command.approve'),
    ('supervisor', 'device.read'), ('supervisor', 'alert.read'), ('supervisor', 'alert.handle'),
    ('supervisor', 'command.approve');
