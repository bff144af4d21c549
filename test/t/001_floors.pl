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
	'order_gateway.c' => qq{#include "postgres.h"\n#include "gateway.h"\n},
	'sql_cancel.c'    => qq{#include "postgres.h"\n#include "sql_common.h"\n#include "gateway.h"\n},
	'sql_common.h'    => qq{#include "message.h"\n},
	'gateway.h'       => qq{#include "message.h"\n},
	'gateway.c'       => qq{/* about the next extension */\n#include "postgres.h"\n#include "gateway.h"\n#include "http.h"\n},
	'limiter.h'       => qq{#include "message.h"\n},
	'provider.h'      => qq{#include "message.h"\n},
	'provider_xt.c'   => qq{#include "postgres.h"\n#include "provider.h"\n#include "json.h"\n},
	'http.h'          => qq{#include "provider.h"\n},
	'http.c'          => qq{#include "postgres.h"\n#include <curl/curl.h>\n#include "http.h"\n},
	'http_multi.c'    => qq{#include "postgres.h"\n#include <curl/curl.h>\n#include "http.h"\n},
	'json.h'          => qq{#include <cjson/cJSON.h>\n},
	'crypto.c'        => qq{#include "postgres.h"\n#include <openssl/evp.h>\n#include "compat.h"\n},
	'message.h'       => qq{#include "compat.h"\n},
	'crypto.h'        => qq{#include "message.h"\n},
	'compat.h'        => qq{#if PG_VERSION_NUM < 150000\n#error "too old"\n#endif\n},
);

# Run the check on a house in order but for the files given.
# Returns the exit code and the output.
sub check_house
{
	my (%changed) = @_;
	my %house     = (%in_order, %changed);
	my $dir       = tempdir(CLEANUP => 1);

	make_path("$dir/src");
	foreach my $name (keys %house)
	{
		open my $out, '>', "$dir/src/$name" or die "could not write $name: $!";
		print $out $house{$name};
		close $out;
	}
	my $output = qx{"$top/test/floors/check" "$dir" 2>&1};
	return ($? >> 8, $output);
}

my ($exit, $output) = check_house();
is($exit, 0, 'a house in order passes');
like($output, qr/^floor 5  order_gateway\.c$/m, '... and is shown');

# Name, file, its text, the complaint expected.
my @cases = (
	[ 'a header of a floor above', 'message.h',
		qq{\n#include "gateway.h"\n},
		qr/^src\/message\.h:2: "message" \(floor 0\) may not see "gateway" \(floor 3\)$/m ],
	[ 'a neighbour on floor 1', 'provider_btse.c',
		qq{#include "postgres.h"\n#include "http.h"\n},
		qr/^src\/provider_btse\.c:2: .* may not see "http"/m ],
	[ 'a neighbour on floor 2', 'account.c',
		qq{#include "postgres.h"\n#include "limiter.h"\n},
		qr/^src\/account\.c:2: .* may not see "limiter"/m ],
	[ 'a neighbour on the ground', 'crypto.h',
		qq{#include "json.h"\n},
		qr/^src\/crypto\.h:1: .* may not see "json"/m ],
	[ 'a file without a room', 'util.c',
		qq{#include "postgres.h"\n},
		qr/^src\/util\.c:1: on no floor/m ],
	[ 'postgres.h second', 'limiter.c',
		qq{#include <math.h>\n#include "postgres.h"\n},
		qr/^src\/limiter\.c:1: postgres\.h must be included first/m ],
	[ 'no postgres.h', 'limiter.c', qq{int one;\n},
		qr/^src\/limiter\.c:1: postgres\.h must be included first/m ],
	[ 'postgres.h in a header', 'gateway.h', qq{#include "postgres.h"\n},
		qr/^src\/gateway\.h:1: postgres\.h does not belong in a header/m ],
	[ 'libcurl outside http', 'gateway.c',
		qq{#include "postgres.h"\n#include <curl/curl.h>\n},
		qr/^src\/gateway\.c:2: a libcurl header/m ],
	[ 'libcurl in http.h', 'http.h', qq{#include <curl/curl.h>\n},
		qr/^src\/http\.h:1: a libcurl header/m ],
	[ 'cJSON outside json', 'provider_xt.c',
		qq{#include "postgres.h"\n#include <cjson/cJSON.h>\n},
		qr/^src\/provider_xt\.c:2: the cJSON header/m ],
	[ 'OpenSSL outside crypto', 'provider_xt.c',
		qq{#include "postgres.h"\n#include <openssl/hmac.h>\n},
		qr/^src\/provider_xt\.c:2: an OpenSSL header/m ],
	[ 'a version number outside compat.h', 'gateway.c',
		qq{#include "postgres.h"\n#if PG_VERSION_NUM >= 170000\n#endif\n},
		qr/^src\/gateway\.c:2: PG_VERSION_NUM/m ],
	[ 'a provider with a clock', 'provider_xt.c',
		qq{#include "postgres.h"\n#include <time.h>\n},
		qr/^src\/provider_xt\.c:2: a provider does no I\/O/m ],
	[ 'a provider that asks the time', 'provider_xt.c',
		qq{#include "postgres.h"\nint f(void) { return time(NULL); }\n},
		qr/^src\/provider_xt\.c:2: a provider is given the time/m ],
	[ 'http with JSON', 'http.c',
		qq{#include "postgres.h"\n#include "json.h"\n},
		qr/^src\/http\.c:2: http knows no JSON/m ],
	[ 'a limiter that sleeps', 'limiter.c',
		qq{#include "postgres.h"\nvoid f(void) { pg_usleep(1); }\n},
		qr/^src\/limiter\.c:2: floor 2 does not sleep/m ],
	[ 'a provider named in the pipeline', 'gateway.c',
		qq{#include "postgres.h"\nextern int xt_sign;\n},
		qr/^src\/gateway\.c:2: .* must not know a provider by name \(xt\)/m ],
	[ 'a provider named in a comment', 'http.c',
		qq{#include "postgres.h"\n\n/* as BTSE likes it */\n},
		qr/^src\/http\.c:3: .* must not know a provider by name \(BTSE\)/m ],
	[ 'a fifth provider named', 'limiter.c',
		qq{#include "postgres.h"\nint acme;\n},
		qr/^src\/limiter\.c:2: .* must not know a provider by name \(acme\)/m,
		'provider_acme.c' => qq{#include "postgres.h"\n} ],
);

foreach my $case (@cases)
{
	my ($name, $file, $text, $complaint, %more) = @$case;

	($exit, $output) = check_house($file => $text, %more);
	is($exit, 1, "$name: refused");
	like($output, $complaint, "$name: the line is named");
}

# Comments are no code.
($exit, $output) = check_house('gateway.c' =>
	  qq{#include "postgres.h"\n/*\n#include <curl/curl.h>\n*/\n// PG_VERSION_NUM\n});
is($exit, 0, 'what stands in a comment is not included') or diag($output);

done_testing();
