# Servers under valgrind. Sourced by test/setup/check when MEMCHECK is set.

# From now on, a server that is started on the stage runs under valgrind, and
# so do all its backends, since they are forks of it. initdb's does not.
watch_memory()
{
	local real=$STAGE_BIN/postgres.real

	phase "from here on, servers run under valgrind"
	mkdir "$STAGE/memcheck"
	mv "$STAGE_BIN/postgres" "$real"
	cat >"$STAGE_BIN/postgres" <<-END
		#!/bin/sh
		[ "\$1" = -D ] || exec "$real" "\$@"
		exec valgrind --quiet --num-callers=40 --error-limit=no \\
			--leak-check=full --show-leak-kinds=definite,possible \\
			--errors-for-leak-kinds=definite,possible \\
			--xml=yes --xml-file="$STAGE/memcheck/%p.xml" "$real" "\$@"
	END
	chmod +x "$STAGE_BIN/postgres"
	[ "$(id -u)" -ne 0 ] || chown "$stage_user:" "$STAGE/memcheck"
}

# What valgrind found; fails if something of it is ours.
report_memory()
{
	phase "memory"
	"$top/test/setup/memcheck_report" "$EXTENSION.so" "$STAGE/memcheck"
}
