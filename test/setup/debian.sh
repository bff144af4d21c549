# Other releases of Debian: which one has a package, and a tree of it. Sourced
# with test/setup/trees.sh, which sets $work, a directory for a while.
#
# All is asked of the mirror that this machine's apt uses, or of MIRROR.

# From the oldest to the newest, by the names that never change.
SUITES="oldstable stable testing unstable"

# What vouches for them all.
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

mirror=

find_mirror()
{
	local targets

	mirror=${MIRROR:-}
	if [ -z "$mirror" ]; then
		targets=$(apt-get indextargets --format '$(REPO_URI)' \
			'Created-By: Packages' 'Label: Debian')
		mirror=${targets%%$'\n'*}
	fi
	if [ -z "$mirror" ]; then
		echo 'apt knows no mirror of Debian: run "apt-get update" or set MIRROR' >&2
		return 1
	fi
}

# Run apt-get or apt-cache on a suite as if there were no other.
apt_on()
{
	local dir=$work/apt/$1 program=$2
	shift 2

	"$program" -qq -o "Dir::State=$dir" -o "Dir::State::Lists=$dir/lists" \
		-o Dir::State::Status=/dev/null -o "Dir::Cache=$dir/cache" \
		-o "Dir::Etc::SourceList=$dir/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o APT::Sandbox::User=root "$@"
}

# Fetch the list of a suite's packages, once.
read_suite()
{
	local dir=$work/apt/$1

	[ ! -d "$dir" ] || return 0
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	echo "deb [signed-by=$KEYRING] $mirror $1 main" >"$dir/sources.list"
	apt_on "$1" apt-get update >"$dir/log" 2>&1 || true
}

# The code name of the oldest release with a package, or nothing.
release_with()
{
	local suite

	for suite in $SUITES; do
		read_suite "$suite"
		if [ -n "$(apt_on "$suite" apt-cache show "$1" 2>/dev/null)" ]; then
			apt_on "$suite" apt-get indextargets --format '$(CODENAME)' \
				'Created-By: Packages'
			return
		fi
	done
}

# Why suites could not be asked, if so.
complain_of_suites()
{
	cat "$work"/apt/*/log
}

# What this machine's apt is told of proxies and of old mirrors.
apt_settings()
{
	apt-config dump Acquire | grep -iE '^Acquire::(Check|https?|Retries)' || true
}
