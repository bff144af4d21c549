# order_gateway: signed calls to order APIs from SQL, answered with rows.
#
# As with any PostgreSQL extension, with the server's headers installed:
#
#	make, make install
#	make installcheck	pg_regress against the running server that PGHOST,
#			PGPORT and PGUSER name, as a superuser of it; it may preload the
#			library or not
#	make prove_installcheck	the TAP tests, which start clusters of their own;
#			not as root, and with what TAP tests of PostgreSQL need
#
# PG_CONFIG=/path/to/pg_config picks another PostgreSQL for all of them.
#
# On a machine that has nothing but git, make, and root or sudo (each of these
# installs what is missing and works in a private copy and a private cluster):
#
#	make check		every test
#	make check-monitoring	examples/monitoring by Prometheus and its exporter
#	make demo		a real script of cancels against the sandbox
#	make dashboard	some minutes of calls, as a dashboard shows them
#	make sandbox	a cluster and the sandbox to play with, until Ctrl-C
#	make bench		how fast it is, against a plain C program and its peers
#	make fuzz		hostile answers for the readers, FUZZ_SECONDS each
#	make storm		everything dies at random; SEED=n SECONDS=n
#	make storm-selftest	does the storm find faults that are planted?
#	make memcheck	tests with every server under valgrind
#	make lint		static analysis of src/
#	make check-floors	who may include whom (needs nothing but perl)
#	make generate	write what follows from src/*/*_fields.def (the same)
#	make docs		write what follows from the catalog into docs/ and examples/
#	make check-versions	every test on PostgreSQL 17 and 18 (needs root)
#	make check-package	the packages and the archive on a bare Debian (needs root)
#	make check-clients	client programs and drivers against the sandbox
#	make deb		Debian packages, in dist/
#	make dist		the archive for PGXN, of the last commit, in dist/
#
# test/setup/check tells how to run a single test.

OWN_TARGETS = check demo sandbox bench fuzz storm storm-selftest memcheck lint check-floors check-versions \
	check-package check-clients check-monitoring dashboard deb dist generate docs
OWN_GOALS = $(filter $(OWN_TARGETS),$(MAKECMDGOALS))

ifneq ($(OWN_GOALS),)

# ----
# Our own targets. They must not include PGXS: pg_config may not be there
# yet, and PGXS has a "check" of its own, which refuses to work.
# ----

OTHER_GOALS = $(filter-out $(OWN_TARGETS),$(MAKECMDGOALS))
ifneq ($(OTHER_GOALS),)
$(error run "make $(OWN_GOALS)" and "make $(OTHER_GOALS)" one after the other)
endif

# What the user gave on the command line, if anything.
export PG_CONFIG PG_MAJOR REGRESS TESTS PROVE_FLAGS COPT KEEP
export OG_CALLS OG_SECONDS OG_SEED OG_CASES OG_PRELOAD OG_WORKER VERSIONS CACHE MIRROR
export FUZZ_SECONDS PROVIDER ROUNDS PARTS SVG CONTROL_PORT MINUTES PLANT STANDBY STREAMS

# SECONDS is a name of the shell's own.
storm storm-selftest: export OG_SEED := $(or $(SEED),$(OG_SEED))
storm storm-selftest: export OG_SECONDS := $(or $(SECONDS),$(OG_SECONDS))

.NOTPARALLEL:
.PHONY: $(OWN_TARGETS)

$(filter-out check-floors generate,$(OWN_TARGETS)):
	@test/setup/$@

check-floors:
	@test/floors/check

# Types and comments of the install script. What it writes is committed, as is
# what "make docs" writes: nothing is generated at build time.
generate:
	@src/generate.pl

else

# ----
# The extension, by PGXS.
# ----

EXTENSION = order_gateway
MODULE_big = order_gateway
PGFILEDESC = "order_gateway - signed calls to order APIs"

# The sources: a folder is a room, none is deeper than src/provider/btse. With
# VPATH (pg_buildext builds so) they lie elsewhere than the objects.
SOURCE_DIR = $(or $(VPATH),.)
rooms = $(patsubst $(SOURCE_DIR)/%,%,$(sort $(wildcard \
	$(addprefix $(SOURCE_DIR)/src/,$1 */$1 */*/$1))))
OBJS = $(patsubst %.c,%.o,$(call rooms,*.c))
DATA = $(patsubst $(SOURCE_DIR)/%,%,\
	$(sort $(wildcard $(SOURCE_DIR)/sql/order_gateway--*.sql)))

# In sql/, a name with "--" is an install script, any other a test. Tests run
# in the order of their names, in one database that has the extension.
REGRESS = $(sort $(foreach f,$(wildcard $(SOURCE_DIR)/sql/*.sql),\
	$(if $(findstring --,$(f)),,$(basename $(notdir $(f))))))
REGRESS_OPTS = --load-extension=$(EXTENSION)
ENCODING = UTF8
NO_LOCALE = 1

# Those that take longest begin first, lest one of them is alone at the end.
LONGEST_TESTS = $(patsubst %,test/t/%.pl,180_storm 124_pages 222_stream_clock)
PROVE_TESTS = $(LONGEST_TESTS) $(filter-out $(LONGEST_TESTS),$(sort $(wildcard test/t/*.pl)))

# What a TAP test finds in its environment besides what PGXS gives it; see
# also test/setup/check. The clusters that tests make are UTF8.
export OG_SOURCE_DIR := $(CURDIR)
export PERL5LIB := $(CURDIR)/test/lib$(if $(PERL5LIB),:$(PERL5LIB))
export LANG := C.UTF-8
unexport LC_ALL LC_COLLATE LC_CTYPE

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error "$(PG_CONFIG) --pgxs" finds no server headers: install \
postgresql-server-dev-15 or set PG_CONFIG ("make check" and "make demo" do \
all of that by themselves))
endif

# libcurl 7.87 is the first with CURLOPT_QUICK_EXIT, without which a name
# lookup that gets no answer could not be interrupted; OpenSSL 3.0 the first
# whose algorithms can be fetched once. wslay comes without a file for pkg-config,
# so its header is looked for.
NEEDED = "libcurl >= 7.87" "openssl >= 3.0" libcjson
HAS_WSLAY = echo "\#include <wslay/wslay.h>" | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo found
ifeq ($(filter %clean uninstall %installcheck,$(MAKECMDGOALS)),)
ifneq ($(shell pkg-config --exists $(NEEDED) 2>/dev/null && echo found),found)
$(error pkg-config does not find $(NEEDED): install pkg-config, \
libcurl4-openssl-dev, libssl-dev and libcjson-dev)
endif
ifneq ($(shell $(HAS_WSLAY)),found)
$(error the header of wslay is not there: install libwslay-dev)
endif
endif

PG_CPPFLAGS = -I$(SOURCE_DIR)/src $(shell pkg-config --cflags $(NEEDED) 2>/dev/null)
SHLIB_LINK = $(shell pkg-config --libs $(NEEDED) 2>/dev/null) -lwslay

# All that the server's own headers tolerate.
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers \
	-Wold-style-definition -Wwrite-strings -Wformat=2 -Wno-format-nonliteral

include $(PGXS)

# Not a part of installcheck: that asks nothing of the machine but a server.
.PHONY: prove_installcheck
prove_installcheck:
	@test "$$(id -u)" -ne 0 || { echo "PostgreSQL does not run as root, so its \
	TAP tests cannot: run \"make prove_installcheck\" as another user, or \
	\"make check\", which does all by itself" >&2; exit 1; }
	$(prove_installcheck)

# PGXS knows no dependencies on headers, neither for objects nor for bitcode.
$(OBJS) $(OBJS:.o=.bc): $(addprefix $(SOURCE_DIR)/,$(call rooms,*.h) $(call rooms,*.def))

# Objects lie in folders as their sources do; a build elsewhere has none yet.
$(shell mkdir -p $(sort $(dir $(OBJS))))

endif
