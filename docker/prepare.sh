#!/bin/sh
# Make the passwords, keys and certificates that docker-compose.yml mounts; what is there already stays.
#
#     docker/prepare.sh DEVICES_NAME WEB_NAME
#
# DEVICES_NAME is what devices connect to (8883), WEB_NAME what people open (443). Both get a certificate that
# vouches for itself: put your own in place of mosquitto_cert/_key and web_cert/_key where you have them.
# Docker mounts these files as they are, so each belongs to the account of the container that reads it; hence
# root. Needs openssl.
set -eu
umask 077
[ $# -eq 2 ] || { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
devices_name=$1 web_name=$2
here=$(cd "$(dirname "$0")" && pwd)
secrets=$here/secrets
mkdir -p "$secrets" "$here/mosquitto/secrets"

database=70 anju=10001 mosquitto=1883 grafana=472 web=101

# file, owner, group, mode; the content comes from standard input
put() {
    if [ ! -e "$secrets/$1" ]; then
        cat > "$secrets/$1.new"
        mv "$secrets/$1.new" "$secrets/$1"
        echo "made $1"
    else
        cat > /dev/null
    fi
    chown "$2:$3" "$secrets/$1"
    chmod "$4" "$secrets/$1"
}

random() { openssl rand -hex 24; }

# name of the files, host name, owner
certificate() {
    if [ ! -e "$secrets/${1}_cert" ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 \
            -subj "/CN=$2" -addext "subjectAltName=DNS:$2" -addext "keyUsage=critical,digitalSignature" \
            -addext "extendedKeyUsage=serverAuth" \
            -keyout "$secrets/${1}_key" -out "$secrets/${1}_cert" 2>/dev/null
        echo "made ${1}_cert and ${1}_key for $2"
    fi
    chown "$3:$3" "$secrets/${1}_cert" "$secrets/${1}_key"
    chmod 0444 "$secrets/${1}_cert"
    chmod 0400 "$secrets/${1}_key"
}

random | put database_superuser_password $database $database 0400
random | put database_owner_password $database $database 0400
random | put database_grafana_password $database $grafana 0440
random | put database_reader_password $database $grafana 0440
random | put grafana_admin_password $grafana $grafana 0400
random | put grafana_secret_key $grafana $grafana 0400
openssl rand 32 | put personal_key $anju $anju 0400

certificate database database $database
# it vouches for itself: whoever knows it knows the server
put database_ca 0 0 0444 < "$secrets/database_cert"
certificate mosquitto "$devices_name" $mosquitto
certificate web "$web_name" $web

# group 10001: `broker-config` reads it as well
printf 'postgresql://anju:%s@database:5432/anju?sslmode=verify-full&sslrootcert=/run/secrets/database_ca\n' \
    "$(cat "$secrets/database_owner_password")" | put database_url $anju $anju 0440
random | put ingest_mqtt_password $mosquitto $mosquitto 0400
printf 'mqtt://ingest:%s@mosquitto:1883\n' "$(cat "$secrets/ingest_mqtt_password")" \
    | put ingest_mqtt_url $anju $anju 0400

# `anju broker config` keeps a password that is there
cp "$secrets/ingest_mqtt_password" "$here/mosquitto/secrets/ingest.password"
chmod 0400 "$here/mosquitto/secrets/ingest.password"
chmod 0700 "$here/mosquitto" "$here/mosquitto/secrets"
chown -R $mosquitto:$mosquitto "$here/mosquitto"
mkdir -p "$here/backup"
chmod 0700 "$here/backup"
chown $database:$database "$here/backup"

# entered by nobody but root; Docker mounts the files one by one
chmod 0700 "$secrets"
echo "Keep a copy of $secrets/personal_key apart from the backups: without it names cannot be opened."
