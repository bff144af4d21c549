# Fills are complete, and each is there once: whatever is lost, told twice, told
# late, or killed.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start;
my $sandbox = $streams->sandbox;

# Whatever happened, fills go on to be told.
sub go_on_ok
{
	my ($id, $name) = @_;

	$streams->state_ok($id, 'live', "$name: the stream is live again");
	$streams->fill(2);
	$streams->fills_ok("$name: each fill is there once, with its own price and size");
	return;
}

my $id = $streams->follow('fills');

$streams->fill(20);
$streams->fills_ok('what is told is there');
is($streams->sql(q{SELECT string_agg(DISTINCT source, ',') FROM btse_fill_log}), 'stream',
	'it came by the stream');
is($streams->sql(q{SELECT count(*) FROM btse_fill_log
	WHERE order_id IS NULL OR symbol IS DISTINCT FROM 'BTC-USD' OR event_time IS NULL
		OR raw ->> 'serialId' IS DISTINCT FROM serial_id}), '0', 'all of it');

# a connection that ends
$sandbox->close_streams(how => 'drop');
$streams->fill(5);
go_on_ok($id, 'a lost connection');
cmp_ok($streams->sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'backfill'}), '>', 0,
	'an event tells that it was read');

# messages that come twice, and in another order
foreach my $fault (qw(stream_repeated stream_swapped))
{
	$sandbox->arm($fault, provider => 'btse', times => 5);
	$streams->fill(12);
	$streams->fills_ok("$fault: each fill is there once");
	$sandbox->disarm($fault);
}

# messages that never come are read when the connection is another one
$sandbox->arm('stream_lost', provider => 'btse', times => 3);
$streams->fill(6);
$sandbox->disarm('stream_lost');
$sandbox->close_streams(how => 'reset');
go_on_ok($id, 'messages that never came');

# the provider's reads lag behind its streams
$sandbox->settings(btse_rest_lag_ms => 5000);
$sandbox->close_streams(how => 'drop');
$streams->fill(4);
$streams->state_ok($id, 'live', 'a lag: the stream is live');
$streams->fills_ok('a lag: what was told late is there in the end');
$sandbox->settings(btse_rest_lag_ms => 0);

# What is told late, or read late, is not proved to be there before: looks at a fill
# that is missing, until it is there or so many seconds are over.
sub no_lie_ok
{
	my ($late, $seconds, $name) = @_;
	my $SHOWN = "SELECT floor(1000 * extract(epoch FROM complete_until)) FROM order_gateway_streams WHERE stream_id = $id;"
	  . "SELECT count(*) FROM btse_fill_log WHERE serial_id = '$late->{serialId}'";
	my $end = Time::HiRes::time() + $seconds;
	my ($until, $there, @lies) = (0, 0);

	while (!$there && Time::HiRes::time() < $end)
	{
		$streams->fill(1);
		($until, $there) = split /\n/, $streams->sql($SHOWN);
		push @lies, "$until without $late->{timestamp}" if !$there && $until >= $late->{timestamp};
		Time::HiRes::sleep(0.2);
	}
	return is_deeply(\@lies, [], "$name: at no moment it is said that nothing before it is missing");
}

$sandbox->arm('stream_late', provider => 'btse', topic => 'fills', ms => 3000, times => 1);
$streams->fill(1);
no_lie_ok($sandbox->stream_fills->[-1], 60, 'a fill that is told late');

$sandbox->settings(btse_rest_lag_ms => 30_000);
$sandbox->close_streams(how => 'drop');
$streams->fill(1);
my $unread = $sandbox->stream_fills->[-1];
$streams->state_ok($id, 'live', 'a longer lag: the stream is live');
no_lie_ok($unread, 16, 'a fill that is read late');
$sandbox->settings(btse_rest_lag_ms => 0);
$sandbox->close_streams(how => 'drop');
$streams->fills_ok('what was read late is there in the end');

# both spellings, numbers as text
$sandbox->settings(btse_stream_numbers => 'text');
$streams->fill(3);
$streams->fills_ok('numbers as text: the same');

# a provider that repeats the key
{
	my $key = $sandbox->credentials('btse')->{api_key};
	my $told = q{SELECT string_agg(message, ';') FROM btse_stream_event WHERE event = 'unexpected'};

	$sandbox->send_stream(qq({"severity":"ERROR","errors":[{"arg":"$key","error":{"code":1002,"message":"$key is no key"}}]}),
		topic => 'fills');
	$streams->wait_sql($told, 'the provider answers 1002', 'what the provider answers is told without the key');
	$sandbox->close_streams(how => 'close', code => 1008, reason => "$key is no key", topic => 'fills');
	go_on_ok($id, 'a connection that is closed for the key');
	is($streams->sql("SELECT count(*) FROM btse_stream_event AS e WHERE e::text LIKE '%$key%'"), '0',
		'... and no event has it');
	is($streams->sql("SELECT count(*) FROM order_gateway_streams AS s WHERE s::text LIKE '%$key%'"), '0', '... nor a state');
}

# processes that are killed
$streams->fill(3);
$streams->kill_worker;
$streams->fill(3);
go_on_ok($id, 'kill -9 of the worker');
$streams->fill(3);
$streams->kill_postmaster;
$streams->fill(3);
go_on_ok($id, 'kill -9 of the postmaster');

# nobody says which markets there are
$sandbox->arm('http_503', provider => 'btse', operation => 'market_summary', times => 0);
$sandbox->close_streams(how => 'drop');
$streams->fill(4);
$streams->fills_ok('without a list of markets: those that are known are read');
$streams->state_ok($id, 'catching_up', 'but others may be missing');
$sandbox->disarm('http_503');
$streams->state_ok($id, 'live', 'with a list, none are');

# a server that is down for a while
$streams->node->stop('fast');
$streams->fill(7);
$streams->node->start;
go_on_ok($id, 'a server that was down');

# two roles with the same account: each has all of its fills, told in the same moment
$streams->sql(<<'');
CREATE ROLE second;
GRANT USAGE ON FOREIGN SERVER btse TO second;
DO $$ BEGIN EXECUTE (SELECT format('CREATE USER MAPPING FOR second SERVER btse OPTIONS (%s)',
	string_agg(format('%I %L', option_name, option_value), ', '))
	FROM pg_user_mappings, pg_options_to_table(umoptions) WHERE srvname = 'btse' AND usename = current_user); END $$;
GRANT EXECUTE ON FUNCTION btse_stream_start TO second;

$streams->follow('fills', role => 'second');
$streams->fill(5);
$streams->wait_sql(q{SELECT string_agg(role || ' ' || n, ', ' ORDER BY role) FROM (SELECT role, count(*) AS n
	FROM (SELECT role FROM btse_fill_log ORDER BY received_at DESC LIMIT 10) AS l GROUP BY role) AS c},
	'postgres 5, second 5', 'two roles: what is told at once is two rows', 5);

is($streams->sql(q{SELECT min(complete_until) > now() - interval '6 min' FROM order_gateway_streams}), 't',
	'it is proved to be complete until some minutes ago, which is how much reads may lag');

done_testing();
