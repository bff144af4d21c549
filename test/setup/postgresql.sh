# Which PostgreSQL? Sourced by the other scripts of this directory.
#
# PG_CONFIG if it is set; else Debian's PG_MAJOR if that is; else Debian's 15 if
# it is here, server and headers; else the newest that is; else 15. What is not
# here test/setup/packages then installs. Sets PG_MAJOR and the functions
# complete_versions and pg_config_path.

is_complete()
{
	[ -x "/usr/lib/postgresql/$1/bin/postgres" ] &&
		[ -e "/usr/include/postgresql/$1/server/postgres.h" ]
}

# All that are complete, from the oldest to the newest.
complete_versions()
{
	local version

	for version in $(ls /usr/lib/postgresql 2>/dev/null | sort -n); do
		! is_complete "$version" || echo "$version"
	done
}

if [ -z "${PG_MAJOR:-}" ]; then
	PG_MAJOR=15
	if ! is_complete 15; then
		for candidate in $(complete_versions); do
			PG_MAJOR=$candidate
		done
	fi
fi

pg_config_path()
{
	local path=${PG_CONFIG:-/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}

	if ! command -v "$path"; then
		echo "there is no $path" >&2
		return 1
	fi
}
