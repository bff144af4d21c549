# Prometheus, promtool and the exporter for PostgreSQL: those that are installed,
# else Debian's, fetched and unpacked. Installing the packages would start two
# services, so that is not done. Sourced after stage.sh by
# test/setup/check-monitoring and dashboard.
#
#	find_prometheus DIR		sets OG_PROMETHEUS to a directory with the three
#							programs, DIR if they have to be fetched (26 MB)

PROMETHEUS_PROGRAMS="prometheus promtool prometheus-postgres-exporter"
PROMETHEUS_PACKAGES="prometheus prometheus-postgres-exporter"

# Fetch the packages into a directory, from what apt knows or after a look at what
# is new; what it says is kept in a file there.
download_packages()
{
	local as_root=()

	[ "$(id -u)" -eq 0 ] || as_root=(sudo)
	(
		cd "$1"
		# shellcheck disable=SC2086 # a list of words
		apt-get -q download $PROMETHEUS_PACKAGES >log 2>&1 ||
			{ "${as_root[@]}" apt-get -q update && apt-get -q download $PROMETHEUS_PACKAGES; } >>log 2>&1 ||
			{ cat log >&2; exit 1; }
	)
}

find_prometheus()
{
	local dir=$1 program package

	OG_PROMETHEUS=$dir/usr/bin
	export OG_PROMETHEUS
	mkdir -p "$OG_PROMETHEUS"
	# shellcheck disable=SC2086 # a list of words
	if type -P $PROMETHEUS_PROGRAMS >/dev/null; then
		phase "prometheus: as it is installed"
		for program in $PROMETHEUS_PROGRAMS; do
			ln -s "$(type -P "$program")" "$OG_PROMETHEUS/$program"
		done
	else
		phase "prometheus: fetching $PROMETHEUS_PACKAGES, to be unpacked and not installed"
		download_packages "$dir"
		for package in "$dir"/*.deb; do
			dpkg-deb --fsys-tarfile "$package" | tar -C "$dir" -x --wildcards './usr/bin/*'
			rm "$package"
		done
	fi
	chmod 755 "$dir"
}
