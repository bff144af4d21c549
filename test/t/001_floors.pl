# The floor check itself: it accepts a house in order, and it can fail.
#
# Each case is a small src/ made up for it, with one thing wrong.

use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

my $top = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';

# A house in order, from roof to ground.
my %in_order = (
	'order_gateway.c'         => qq{#include "postgres.h"\n#include "gateway/gateway.h"\n},
	'sql/sql_cancel.c'        => qq{#include "postgres.h"\n#include "gateway/gateway.h"\n#include "session/session.h"\n#include "sql/sql_call.h"\n},
	'sql/sql_call.h'          => qq{#include "ground/message.h"\n},
	'session/session.h'       => qq{#include "gateway/gateway.h"\n},
	'gateway/gateway.h'       => qq{#include "ground/message.h"\n},
	'gateway/gateway.c'       => qq{/* about the next extension */\n#include "postgres.h"\n#include "gateway/gateway.h"\n#include "http/http.h"\n},
	'account/account.c'       => qq{#include "postgres.h"\n#include "provider/provider.h"\n},
	'limiter/limiter.h'       => qq{#include "ground/message.h"\n},
	'provider/provider.h'     => qq{#include "ground/message.h"\n},
	'provider/provider.c'     => qq{#include "postgres.h"\n#include "provider/provider.h"\nconst int list[] = {og_xt, og_btse};\nint\nog_find(void)\n{\n}\n},
	'provider/provider_request.c' => qq{#include "postgres.h"\n#include "provider/provider.h"\nint\nog_build(void)\n{\n}\n},
	'provider/provider_xt.c'  => qq{#include "postgres.h"\n#include "provider/provider.h"\n#include "ground/json.h"\nconst int\tog_xt = 1;\nint f(void) { return og_build(); }\n},
	'provider/btse/provider_btse.c' => qq{#include "postgres.h"\n#include "provider/provider.h"\nconst int og_btse = 2;\n},
	'http/http.h'             => qq{#include "provider/provider.h"\n},
	'http/http.c'             => qq{#include "postgres.h"\n#include <curl/curl.h>\n#include "http/http.h"\n},
	'http/http_multi.c'       => qq{#include "postgres.h"\n#include <curl/curl.h>\n#include "http/http.h"\nint\nog_http_multi(void)\n{\n}\n},
	'ground/json.h'           => qq{#include <cjson/cJSON.h>\n#include "ground/message.h"\n},
	'ground/crypto.c'         => qq{#include "postgres.h"\n#include <openssl/evp.h>\n#include "ground/compat.h"\n},
	'ground/message.h'        => qq{#include "ground/compat.h"\n},
	'ground/compat.h'         => qq{#if PG_VERSION_NUM < 150000\n#error "too old"\n#endif\n},
);

# Run the check on a house in order but for the files given.
# Returns the exit code and the output.
sub check_house
{
	my (%changed) = @_;
	my %house     = (%in_order, %changed);
	my $dir       = tempdir(CLEANUP => 1);

	foreach my $name (keys %house)
	{
		make_path("$dir/src/" . dirname($name));
		open my $out, '>', "$dir/src/$name" or die "could not write $name: $!";
		print $out $house{$name};
		close $out;
	}
	my $output = qx{"$top/test/floors/check" --fewest=5 "$dir" 2>&1};
	return ($? >> 8, $output);
}

my ($exit, $output) = check_house();
is($exit, 0, 'a house in order passes');
like($output, qr/^floor 6  \(roof\) +order_gateway\.c$/m, '... and is shown');
like($output, qr{^floor 2  provider/btse/ +provider_btse\.c$}m, '... down to its last folder');

# The same house, seen from where most of it is out of sight.
$output = qx{"$top/test/floors/check" --fewest=50 "$top/test/floors" 2>&1};
isnt($?, 0, 'a house without files: refused');

# Name, file, its text, the complaint expected.
my @cases = (
	[ 'a header of a floor above', 'ground/message.h',
		qq{\n#include "gateway/gateway.h"\n},
		qr{^src/ground/message\.h:2: "ground" \(floor 1\) may not see "gateway" \(floor 4\)$}m ],
	[ 'fields of a floor above', 'provider/provider_xt.c',
		qq{#include "postgres.h"\n#define FIELDS "sql/sql_fields.def"\n#include "provider/fields.h"\n},
		qr{^src/provider/provider_xt\.c:2: "provider" \(floor 2\) may not see "sql"}m,
		'sql/sql_fields.def' => "\n" ],
	[ 'a neighbour on floor 2', 'provider/btse/provider_btse.c',
		qq{#include "postgres.h"\n#include "http/http.h"\n},
		qr{^src/provider/btse/provider_btse\.c:2: .* may not see "http"}m ],
	[ 'a neighbour on floor 3', 'account/account.c',
		qq{#include "postgres.h"\n#include "limiter/limiter.h"\n},
		qr{^src/account/account\.c:2: .* may not see "limiter"}m ],
	[ 'what a transaction remembers, seen by the pipeline', 'gateway/gateway.c',
		qq{#include "postgres.h"\n#include "session/session.h"\n},
		qr{^src/gateway/gateway\.c:2: .* may not see "session"}m ],
	[ 'SQL functions, seen by the worker', 'worker/worker.c',
		qq{#include "postgres.h"\n#include "sql/sql_call.h"\n},
		qr{^src/worker/worker\.c:2: .* may not see "sql"}m ],
	[ 'one provider in another', 'provider/provider_xt.c',
		qq{#include "postgres.h"\n#include "provider/btse/provider_btse.h"\n},
		qr{^src/provider/provider_xt\.c:2: .* may not see "provider/btse"}m,
		'provider/btse/provider_btse.h' => "\n" ],
	[ 'a folder without a floor', 'util/util.c',
		qq{#include "postgres.h"\n},
		qr{^src/util/util\.c:1: on no floor}m ],
	[ 'two files of one name', 'sql/gateway.c',
		qq{#include "postgres.h"\n},
		qr{^src/sql/gateway\.c:1: there is another gateway\.c, in src/gateway}m ],
	[ 'a circle of two files', 'sql/sql_cancel.c',
		qq{#include "postgres.h"\nint\nog_a(void)\n{\n\treturn og_b();\n}\n},
		qr{^src/sql/sql_b\.c:1: needs itself: sql/sql_cancel\.c by og_a, sql/sql_b\.c by og_b$}m,
		'sql/sql_b.c' => qq{#include "postgres.h"\nint\nog_b(void)\n{\n\treturn og_a();\n}\n} ],
	[ 'a circle of three files', 'monitor/monitor.c',
		qq{#include "postgres.h"\nint\nog_a(void)\n{\n\tog_b();\n}\n},
		qr{^src/monitor/monitor\.c:1: needs itself: monitor/monitor_b\.c by og_b, monitor/monitor_c\.c by og_c, monitor/monitor\.c by og_a$}m,
		'monitor/monitor_b.c' => qq{#include "postgres.h"\nint\nog_b(void)\n{\n\tog_c();\n}\n},
		'monitor/monitor_c.c' => qq{#include "postgres.h"\nint\nog_c(void)\n{\n\tog_a();\n}\n} ],
	[ 'a provider that needs the list of them', 'provider/provider_xt.c',
		qq{#include "postgres.h"\n#include "provider/provider.h"\nconst int\tog_xt = 1;\nint f(void) { return og_find(); }\n},
		qr{^src/provider/provider\.c:1: needs itself: provider/provider_xt\.c by og_xt, }m ],
	[ 'a circle by an object', 'sql/sql_cancel.c',
		qq{#include "postgres.h"\nconst int og_a[] = {1};\nint\nog_use(void)\n{\n\treturn og_b;\n}\n},
		qr{^src/sql/sql_b\.c:1: needs itself: sql/sql_cancel\.c by og_a, }m,
		'sql/sql_b.c' => qq{#include "postgres.h"\nint\t\tog_b = 1;\nint\nog_c(void)\n{\n\treturn og_a[0];\n}\n} ],
	[ 'postgres.h second', 'limiter/limiter.c',
		qq{#include <math.h>\n#include "postgres.h"\n},
		qr{^src/limiter/limiter\.c:1: postgres\.h must be included first}m ],
	[ 'no postgres.h', 'limiter/limiter.c', qq{int one;\n},
		qr{^src/limiter/limiter\.c:1: postgres\.h must be included first}m ],
	[ 'postgres.h in a header', 'gateway/gateway.h', qq{#include "postgres.h"\n},
		qr{^src/gateway/gateway\.h:1: postgres\.h does not belong in a header}m ],
	[ 'libcurl outside http', 'gateway/gateway.c',
		qq{#include "postgres.h"\n#include <curl/curl.h>\n},
		qr{^src/gateway/gateway\.c:2: a libcurl header}m ],
	[ 'libcurl in http.h', 'http/http.h', qq{#include <curl/curl.h>\n},
		qr{^src/http/http\.h:1: a libcurl header}m ],
	[ 'cJSON outside json', 'provider/provider_xt.c',
		qq{#include "postgres.h"\n#include <cjson/cJSON.h>\n},
		qr{^src/provider/provider_xt\.c:2: the cJSON header}m ],
	[ 'OpenSSL outside crypto', 'provider/provider_xt.c',
		qq{#include "postgres.h"\n#include <openssl/hmac.h>\n},
		qr{^src/provider/provider_xt\.c:2: an OpenSSL header}m ],
	[ 'a version number outside compat.h', 'gateway/gateway.c',
		qq{#include "postgres.h"\n#if PG_VERSION_NUM >= 170000\n#endif\n},
		qr{^src/gateway/gateway\.c:2: PG_VERSION_NUM}m ],
	[ 'a provider with a clock', 'provider/provider_xt.c',
		qq{#include "postgres.h"\n#include <time.h>\n},
		qr{^src/provider/provider_xt\.c:2: a provider does no I/O}m ],
	[ 'a provider that asks the time', 'provider/btse/provider_btse.c',
		qq{#include "postgres.h"\nint f(void) { return time(NULL); }\n},
		qr{^src/provider/btse/provider_btse\.c:2: a provider is given the time}m ],
	[ 'http with JSON', 'http/http.c',
		qq{#include "postgres.h"\n#include "ground/json.h"\n},
		qr{^src/http/http\.c:2: http knows no JSON}m ],
	[ 'a limiter that sleeps', 'limiter/limiter.c',
		qq{#include "postgres.h"\nvoid f(void) { pg_usleep(1); }\n},
		qr{^src/limiter/limiter\.c:2: floor 3 does not sleep}m ],
	[ 'a pipeline that sleeps', 'gateway/gateway.c',
		qq{#include "postgres.h"\nvoid f(void) { pg_usleep(1); }\n},
		qr{^src/gateway/gateway\.c:2: the pipeline does not sleep}m ],
	[ 'a pipeline that asks who calls', 'gateway/gateway.c',
		qq{#include "postgres.h"\nOid f(void) { return GetUserId(); }\n},
		qr{^src/gateway/gateway\.c:2: the pipeline knows no session}m ],
	[ 'a pipeline that talks', 'gateway/gateway.c',
		qq{#include "postgres.h"\nvoid f(void) { ereport(WARNING, (errmsg("x"))); }\n},
		qr{^src/gateway/gateway\.c:2: the pipeline has its witness}m ],
	[ 'a provider named in the pipeline', 'gateway/gateway.c',
		qq{#include "postgres.h"\nextern int xt_sign;\n},
		qr{^src/gateway/gateway\.c:2: .* must not know a provider by name \(xt\)}m ],
	[ 'a provider named in a comment', 'http/http.c',
		qq{#include "postgres.h"\n\n/* as BTSE likes it */\n},
		qr{^src/http/http\.c:3: .* must not know a provider by name \(BTSE\)}m ],
	[ 'a fifth provider named', 'limiter/limiter.c',
		qq{#include "postgres.h"\nint acme;\n},
		qr{^src/limiter/limiter\.c:2: .* must not know a provider by name \(acme\)}m,
		'provider/provider_acme.c' => qq{#include "postgres.h"\nconst OgProvider og_acme = {\n};\n} ],
);

foreach my $case (@cases)
{
	my ($name, $file, $text, $complaint, %more) = @$case;

	($exit, $output) = check_house($file => $text, %more);
	is($exit, 1, "$name: refused");
	like($output, $complaint, "$name: the line is named");
}

# Comments are no code.
($exit, $output) = check_house('gateway/gateway.c' =>
	  qq{#include "postgres.h"\n/*\n#include <curl/curl.h>\n*/\n// PG_VERSION_NUM\n});
is($exit, 0, 'what stands in a comment is not included') or diag($output);

done_testing();
