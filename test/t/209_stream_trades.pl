# Public trades: each once; what a disconnect has missed is read, and taken only where
# it holds the trades that have come.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start;
my $sandbox = $streams->sandbox;

# From its first trade on, the table has what the sandbox has made; what was there
# before the market was alive has lower numbers.
sub trades_ok
{
	my ($name, $table) = @_;
	my $until = time + 60;
	my (@true, @got);

	while (time < $until)
	{
		my $text = $streams->sql(q{SELECT trade_id || ' ' || trim_scale(price) || ' ' || trim_scale(size) FROM }
			  . ($table // 'btse_trade_log') . q{ ORDER BY trade_id::bigint});
		@got = grep { /^(\d+)/ && $1 > 100_000_000 } split /\n/, $text;
		my ($first) = @got ? $got[0] =~ /^(\d+)/ : 0;

		@true = map { join ' ', $_->{serialId}, map { OrderGateway::Appended::trim($_) } @$_{qw(price size)} }
		  sort { $a->{serialId} <=> $b->{serialId} }
		  grep { $_->{serialId} >= $first } @{ $sandbox->stream_trades('BTC-USD') };
		last if @got && "@got" eq "@true";
		sleep 1;
	}
	cmp_ok(scalar @got, '>', 0, "$name: there are some");
	return is_deeply(\@got, \@true, $name) || $streams->tell_why;
}

sub events
{
	return $streams->sql("SELECT count(*) FROM btse_stream_event WHERE event = '$_[0]' AND kind = 'trades'");
}

$streams->sql('CREATE TABLE trades (trade_id text, price numeric, size numeric, source text)');
$sandbox->trade(rate => 50, symbols => ['BTC-USD']);
my $id = $streams->follow('trades', symbol => 'BTC-USD');
my $into = $streams->follow('trades', symbol => 'BTC-USD', into => 'trades');

$sandbox->burst(2000);
$sandbox->stop_trading;
trades_ok('what is told is there');
trades_ok('in the table, too', 'trades');
is(events('hole'), '0', 'nothing was missed');

# more than the first message after it tells
$sandbox->close_streams(how => 'drop');
$sandbox->burst(3000);
$streams->state_ok($id, 'live', 'after a disconnect: live');
trades_ok('after a disconnect: what was missed was read');
trades_ok('in the table, too', 'trades');
cmp_ok($streams->sql(q{SELECT count(*) FROM btse_trade_log WHERE source = 'rest'}), '>', 0, 'by REST');
cmp_ok(events('backfill'), '>', 0, 'an event says so');
is(events('hole'), '0', 'nothing is missing');

# told twice, and in another order
foreach my $fault (qw(stream_repeated stream_swapped))
{
	$sandbox->arm($fault, provider => 'btse', times => 3);
	$sandbox->burst(500);
	$sandbox->disarm($fault);
	trades_ok("$fault: each once");
}

# a crash: what was written before is all that is known
$streams->kill_worker;
$sandbox->burst(3000);
$streams->state_ok($id, 'live', 'after a crash: live');
trades_ok('after a crash: what was missed was read');
trades_ok('in the table, too', 'trades');

# reads that do not hold what has come prove nothing
$sandbox->settings(btse_rest_lag_ms => 3_600_000);
$sandbox->close_streams(how => 'drop');
$sandbox->burst(3000);
$streams->state_ok($id, 'catching_up', 'an answer without the trades that have come is not taken');
$sandbox->settings(btse_rest_lag_ms => 0);
$streams->state_ok($id, 'live', 'one that has them is', 90);
trades_ok('and so nothing is missing');
is(events('hole'), '0', 'no hole');

# many at once
my $begun = time;
foreach my $message (1 .. 20)
{
	$sandbox->send_stream(sprintf('{"topic":"tradeHistoryApi:BTC-USD","data":[%s]}', join ',',
			map { sprintf '{"symbol":"BTC-USD","side":"SELL","size":0.%05d,"price":%d.5,"tradeId":%d,"timestamp":%d}',
				$_, $_ + 1, 1000 * $message + $_, 1000 * time } 1 .. 1000),
		topic => 'tradeHistoryApi:BTC-USD');
}
$streams->wait_sql(q{SELECT count(*) || ' ' || sum(size) FROM btse_trade_log WHERE trade_id::bigint BETWEEN 1001 AND 21000},
	'20000 100.10000', '20,000 trades at once: each once');
$streams->wait_sql(q{SELECT count(*) || ' ' || sum(size) FROM trades WHERE trade_id::bigint BETWEEN 1001 AND 21000},
	'20000 100.10000', 'in the table, too');
note(sprintf 'they took %d s', time - $begun);
is($streams->sql(q{SELECT count(*) FROM order_gateway_streams WHERE state <> 'live'}), '0', 'the streams are live');

# what a table of somebody's says is for him
$streams->sql(q{CREATE ROLE neighbour; GRANT USAGE ON FOREIGN SERVER btse TO neighbour;
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a secret'; END $$;
	CREATE TRIGGER refuse BEFORE INSERT ON trades FOR EACH ROW EXECUTE FUNCTION refuse()});
$sandbox->send_stream(sprintf('{"topic":"tradeHistoryApi:BTC-USD","data":[{"symbol":"BTC-USD","side":"SELL","size":1,"price":2,"tradeId":99999,"timestamp":%d}]}',
		1000 * time), topic => 'tradeHistoryApi:BTC-USD');
$streams->wait_sql(q{SELECT message FROM btse_stream_event WHERE event = 'refused_row'}, 'a secret', 'a trigger says something');
is($streams->sql(q{SELECT count(*) FROM order_gateway_streams WHERE last_error = 'a secret'}), '1', '... of the stream, too');
is($streams->sql(q{SET ROLE neighbour; SELECT count(*) FROM btse_stream_event WHERE event = 'refused_row'}), '0',
	'... which others see no event of');
is($streams->sql(q{SET ROLE neighbour; SELECT count(*) || ' ' || count(*) FILTER (WHERE last_error = 'a secret') FROM order_gateway_streams}),
	$streams->sql('SELECT count(*) FROM order_gateway_streams') . ' 0', '... nor in streams, which they see');

done_testing();
