# A cluster with the extension, the order sandbox, and open orders in both.
# Sourced after stage.sh by test/setup/demo, sandbox and dashboard.
#
#	start_shop		a cluster with a database "shop", in which are the extension,
#					servers and user mappings for the sandbox, and the tables of
#					test/demo/orders.sql; the same orders are seeded in the sandbox
#	control_url		where the sandbox is told what to do
#	sandbox			the process that it runs in
#	psql			an array: the command that connects
#
# The cluster preloads the library, and the shop has a gateway worker, as is
# recommended.

control_url=
sandbox=
psql=()

# Talk to the control API: control PATH reads, control PATH JSON writes.
control()
{
	on_stage python3 -c '
import sys, urllib.request

url, body = sys.argv[1], sys.argv[2:]
with urllib.request.urlopen(url, body[0].encode() if body else None) as answer:
    sys.stdout.write(answer.read().decode())
' "$control_url$1" "${@:2}"
}

# Start the sandbox, with options, and wait until it is ready. What it has to
# say goes to standard error.
start_sandbox()
{
	local ready=$STAGE/tmp/sandbox.json tries

	: >"$ready"
	mkdir "$STAGE/sandbox"
	[ "$(id -u)" -ne 0 ] || chown "$stage_user:" "$STAGE/sandbox"
	on_stage test/sandbox/sandbox --json --dir "$STAGE/sandbox" "$@" >"$ready" &
	sandbox=$!
	for ((tries = 0; tries < 300; tries++)); do
		control_url=$(sed -nE 's/.*"control_url": *"([^"]+)".*/\1/p' "$ready")
		[ -z "$control_url" ] || return 0
		kill -0 "$sandbox" 2>/dev/null || break
		sleep 0.1
	done
	fail "the sandbox did not start"
}

# Run SQL in the shop, without a word.
run_sql()
{
	on_stage "${psql[@]}" --quiet --no-align --tuples-only "$@"
}

# Options are the sandbox's.
start_shop()
{
	local seeds

	start_cluster cluster "shared_preload_libraries = '$EXTENSION'" \
		"$EXTENSION.databases = 'shop'" "port = 5432"
	start_sandbox "$@"
	psql=(psql --no-psqlrc --host="$STAGE/tmp" --port=5432 --username=postgres
		--dbname=shop --set=ON_ERROR_STOP=1)
	on_stage createdb --host="$STAGE/tmp" --port=5432 --username=postgres shop
	run_sql --command="CREATE EXTENSION $EXTENSION" \
		--file="$STAGE/sandbox/sandbox.sql" --file=test/demo/orders.sql
	seeds=$(run_sql --command="
		SELECT json_agg(seed)
		FROM (SELECT provider, market, status, json_agg(id) AS ids
		      FROM provider_state
		      WHERE status IS NOT NULL
		      GROUP BY provider, market, status) AS seed")
	control /orders "$seeds" >/dev/null
}
