# Shows that a long command works. Sourced by other scripts of this directory.

# Keep the lines of standard input in a file, and show meanwhile that they come:
# on a terminal the last one, else a dot for every so many.
#
#	progress LINES_PER_DOT FILE
#
# A compiler's command is shown as the file that it compiles.
progress()
{
	local step=$1 log=$2 columns=0 lines=0 line

	[ ! -t 1 ] || columns=$(tput cols 2>/dev/null || echo 80)
	: >"$log"
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$log"
		lines=$((lines + 1))
		if [ "$columns" -gt 0 ]; then
			[[ $line != *" -c -o "* ]] || line=${line##* }
			printf '\r\033[K   %.*s' $((columns - 4)) "$line"
		elif [ $((lines % step)) -eq 0 ]; then
			printf '.'
		fi
	done
	if [ "$columns" -gt 0 ]; then
		printf '\r\033[K'
	elif [ "$lines" -ge "$step" ]; then
		echo
	fi
}
