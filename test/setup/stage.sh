# A stage: a private place with the extension built and installed, in which
# tests and demo run. Sourced by most scripts of this directory.
#
#	$STAGE			a temporary directory, removed at the end
#	$STAGE/source	a copy of the source tree, built there
#	$STAGE/root		a copy of PostgreSQL's programs, links to its libraries
#					and share files, and the extension installed among them
#	$STAGE/tmp		TMPDIR of all that runs on the stage
#
# PostgreSQL finds its share files relative to its own program, so a cluster
# started from $STAGE/root knows the extension, and nothing outside of $STAGE
# is ever written to.
#
# PostgreSQL refuses to run as root: then all that is on the stage runs as
# the user "postgres" (or "nobody"), else as whoever calls.
#
# At the end, however it comes (Ctrl-C too), what still runs on the stage is
# ended: processes whose program lies there, or that were started with
# OG_STAGE in their environment. With KEEP=1 the directory stays.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/test/setup/postgresql.sh"
. "$top/test/setup/progress.sh"

STAGE=
stage_user=
actor=

phase()
{
	echo "== $*"
}

fail()
{
	echo "== FAILED: $*" >&2
	exit 1
}

# Run a command on the stage, as its user and with a clean environment, and
# wait for it. Waiting in "wait" lets a signal to us be handled at once.
on_stage()
{
	local drop=()

	[ "$(id -u)" -ne 0 ] ||
		drop=(setpriv "--reuid=$stage_user" "--regid=$(id -g "$stage_user")"
			--init-groups --)
	"${drop[@]}" env --ignore-environment --default-signal=INT,QUIT \
		--chdir="$STAGE/source" \
		OG_STAGE="$STAGE" HOME="$STAGE/home" TMPDIR="$STAGE/tmp" \
		USER="$stage_user" LOGNAME="$stage_user" SHELL=/bin/sh \
		LANG=C.UTF-8 TERM="${TERM:-dumb}" \
		PATH="$STAGE_BIN:/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin" \
		PG_CONFIG="$STAGE_PG_CONFIG" \
		${OG_CALLS:+"OG_CALLS=$OG_CALLS"} \
		${OG_SECONDS:+"OG_SECONDS=$OG_SECONDS"} \
		${OG_SEED:+"OG_SEED=$OG_SEED"} \
		${OG_CASES:+"OG_CASES=$OG_CASES"} \
		${OG_PRELOAD:+"OG_PRELOAD=$OG_PRELOAD"} \
		${OG_WORKER:+"OG_WORKER=$OG_WORKER"} \
		${OG_PROMETHEUS:+"OG_PROMETHEUS=$OG_PROMETHEUS"} \
		"$@" </dev/null &
	actor=$!
	wait "$actor" || { set -- $?; actor=; return "$1"; }
	actor=
}

# The ids of the processes that are on our stage. Those that end meanwhile, or
# that are not ours to look at, are no news.
who_is_on_stage()
{
	{
		find /proc/[0-9]*/exe -maxdepth 0 -lname "$STAGE/*" || true
		grep -lzFx "OG_STAGE=$STAGE" /proc/[0-9]*/environ || true
	} 2>/dev/null | cut -d / -f 3 | sort -u
}

# End everybody on stage: PostgreSQL, be it under valgrind, by an immediate
# shutdown, which also returns its System V shared memory; whoever remains
# after 5 s by force.
clear_stage()
{
	local tries id ids

	for ((tries = 0; tries < 60; tries++)); do
		ids=$(who_is_on_stage)
		[ -n "$ids" ] || return 0
		for id in $ids; do
			if [ $tries -ge 50 ]; then
				kill -KILL "$id"
			elif [ $tries -gt 0 ]; then
				continue
			elif [[ $(readlink "/proc/$id/exe") == */@(postgres|memcheck-*) ]]; then
				kill -QUIT "$id"
			else
				kill -TERM "$id"
			fi 2>/dev/null || true
		done
		sleep 0.1
	done
	echo "could not end the processes $ids" >&2
}

strike_stage()
{
	local status=$?

	trap - EXIT
	trap '' INT TERM HUP
	[ -n "$STAGE" ] || exit $status
	[ -z "$actor" ] || kill -TERM "$actor" 2>/dev/null || true
	clear_stage
	if [ -n "${KEEP:-}" ]; then
		echo "== kept: $STAGE" >&2
	else
		rm -rf "$STAGE"
	fi
	exit $status
}

# Copy the source tree to a directory: what git knows and what it would add;
# without git, all but what a build leaves behind.
copy_source()
{
	local git=(git -c "safe.directory=*" -C "$top")

	if [ "$("${git[@]}" rev-parse --show-toplevel 2>/dev/null)" = "$top" ]; then
		"${git[@]}" ls-files -z --cached --others --exclude-standard |
			while IFS= read -r -d '' file; do
				if [ -e "$top/$file" ] || [ -L "$top/$file" ]; then
					printf '%s\0' "$file"
				fi
			done |
			tar -C "$top" --null --no-recursion -T - -cf - |
			tar -C "$1" --no-same-owner -xf -
	else
		tar -C "$top" --exclude=.git --exclude='*.o' --exclude='*.so' \
			--exclude='*.bc' --exclude=./tmp_check --exclude=./results --exclude=./dist -cf - . |
			tar -C "$1" --no-same-owner -xf -
	fi
}

# PostgreSQL at the same places relative to each other, under $STAGE/root.
copy_postgresql()
{
	local root=$STAGE/root bin lib share dir

	bin=$("$STAGE_PG_CONFIG" --bindir)
	lib=$("$STAGE_PG_CONFIG" --pkglibdir)
	share=$("$STAGE_PG_CONFIG" --sharedir)

	mkdir -p "$root$bin" "$root$lib" "$root$share"
	cp -pr "$bin/." "$root$bin"
	cp -rs "$lib/." "$root$lib"
	cp -rs "$share/." "$root$share"
	# An installed order_gateway must not be mistaken for ours.
	rm -f "$root$lib/$EXTENSION.so" "$root$share/extension/$EXTENSION"[.-]*
	# What pg_config names besides, for tests that compile.
	for dir in $("$STAGE_PG_CONFIG" --includedir) \
		$("$STAGE_PG_CONFIG" --includedir-server) \
		$("$STAGE_PG_CONFIG" --libdir); do
		if [ -d "$dir" ] && [ ! -e "$root$dir" ]; then
			mkdir -p "$(dirname "$root$dir")"
			ln -s "$dir" "$root$dir"
		fi
	done

	STAGE_BIN=$root$bin
	if [ "$("$STAGE_BIN/pg_config" --sharedir)" != "$root$share" ] ||
		[ "$("$STAGE_BIN/pg_config" --pkglibdir)" != "$root$lib" ]; then
		fail "the PostgreSQL of $STAGE_PG_CONFIG cannot be used from a copy"
	fi
}

# Run make on the stage, show that it works, and keep its words in a log; if it
# fails, they are shown without the compiler's commands.
make_on_stage()
{
	local log=$STAGE/tmp/make.log status=0 out watcher

	exec {out}> >(progress 10 "$log")
	watcher=$!
	on_stage make --no-print-directory PG_CONFIG="$STAGE_PG_CONFIG" \
		with_llvm=no "$@" >&"$out" 2>&1 || status=$?
	exec {out}>&-
	wait "$watcher" || true
	[ $status -ne 0 ] || return 0
	sed '/ -c -o /d' "$log" >&2
	fail "make $*"
}

# A stage with a copy of the source tree and nothing else.
make_stage()
{
	local tmp=${TMPDIR:-/tmp}

	EXTENSION=order_gateway
	STAGE_PG_CONFIG=$(pg_config_path)
	STAGE_BIN=/usr/bin

	stage_user=$(id -un)
	if [ "$(id -u)" -eq 0 ]; then
		stage_user=postgres
		id -u postgres >/dev/null 2>&1 || stage_user=nobody
	fi

	# The path of a Unix socket is at most 107 characters long.
	[ ${#tmp} -le 40 ] || tmp=/tmp
	trap strike_stage EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	STAGE=$(mktemp -d "$tmp/order_gateway.XXXXXX")
	mkdir "$STAGE/source" "$STAGE/root" "$STAGE/tmp" "$STAGE/home"

	copy_source "$STAGE/source"
	[ "$(id -u)" -ne 0 ] || chown -Rh "$stage_user:" "$STAGE"
}

# A stage with all that tests and demo run on.
set_stage()
{
	make_stage
	copy_postgresql
	[ "$(id -u)" -ne 0 ] || chown -Rh "$stage_user:" "$STAGE"

	phase "build: $("$STAGE_PG_CONFIG" --version), as $stage_user, in $STAGE"
	make_on_stage -j"$(nproc)" COPT="-Werror${COPT:+ $COPT}" all
	make_on_stage COPT="-Werror${COPT:+ $COPT}" DESTDIR="$STAGE/root" install
}

# Start a cluster that only the stage's user can reach, by its Unix socket in
# $STAGE/tmp; what follows the name goes to postgresql.conf line by line.
start_cluster()
{
	local name=$1 line
	shift

	on_stage initdb --pgdata="$STAGE/$name" --username=postgres --auth=trust \
		--encoding=UTF8 --locale=C.UTF-8 --no-sync >"$STAGE/tmp/$name.initdb" 2>&1 || {
		cat "$STAGE/tmp/$name.initdb" >&2
		fail "initdb"
	}
	for line in "listen_addresses = ''" "unix_socket_directories = '$STAGE/tmp'" \
		"fsync = off" "$@"; do
		echo "$line"
	done >>"$STAGE/$name/postgresql.conf"
	control_cluster "$name" start
}

# Start or restart a cluster that was made.
control_cluster()
{
	on_stage pg_ctl --pgdata="$STAGE/$1" --log="$STAGE/$1/server.log" \
		--mode=fast --wait --silent "$2" || {
		tail -n 20 "$STAGE/$1/server.log" >&2
		fail "could not $2 a cluster"
	}
}

stop_cluster()
{
	on_stage pg_ctl --pgdata="$STAGE/$1" --mode=fast --wait --silent stop
}
