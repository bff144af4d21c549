# Rows of the journal that are stored out of line: each is found by every index of
# its table, as the short ones are.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Journal;
use OrderGateway::Test;

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(),
	standby => 1,
	options => { rate_limit => 'off', settle_after => '0' });
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($test->node);

$journal->sql('CREATE EXTENSION amcheck');

# Every row is in every index of its table.
sub indexes_agree
{
	my ($name) = @_;

	is($journal->sql(q{SELECT count(bt_index_check(indexrelid, true)) > 0 FROM pg_index
		WHERE indrelid::regclass::text ~ '^order_gateway_'}), 't', $name);
	return;
}

# An element of an answer, and what it says.
$test->seed('btse', 1 .. 3);
$sandbox->arm('long_text', provider => 'btse', field => 'message', chars => 60000);
my $call = $journal->sql("SELECT btse_cancel_submit('BTC-USD', '{1,2,3}', 'order_id')");
is($journal->sql("SELECT string_agg(outcome::text, ' ' ORDER BY ordinal) FROM order_gateway_wait($call, '30s')"),
	'cancelled cancelled cancelled', 'answers with a long text');
like($journal->sql("SELECT max(length(response::text)) FROM order_gateway_results WHERE call_id = $call"),
	qr/^\d{5,}$/, '... are kept with it');
is($journal->sql("SELECT count(*) FROM order_gateway_results WHERE call_id = $call"), 3, '... and found');
indexes_agree('... by each index');

# Many orders in one mark: what waits for a standby, and is withdrawn, is taken back
# in one.
$test->seed('xt', 1000 .. 1999);
$journal->sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'; SELECT pg_reload_conf()");
$test->seed('xt', 2000 .. 2999);

my $first = 2000;

$test->wait_until(sub {
	my $probe = $journal->sql("SET synchronous_commit = local; SELECT batch_cancel_submit('btc_usdt', '{" . $first++ . "}')");

	$journal->sql("SET synchronous_commit = local; SELECT count(*) FROM order_gateway_wait($probe, '1s')") eq '0' },
	'a standby is waited for');
$call = $journal->sql('SET synchronous_commit = local;'
	  . " SELECT batch_cancel_submit('btc_usdt', array_agg(i::text)) FROM generate_series(1000, 1999) AS i");
$journal->wait_until("SELECT sum(cardinality(ordinals)) > 500 FROM order_gateway_journal_mark WHERE call_id = $call",
	'many orders are about to leave');
$journal->sql("SET synchronous_commit = local; SELECT order_gateway_withdraw($call)");
$journal->wait_until("SELECT state = 'done' FROM order_gateway_calls WHERE call_id = $call", '... and are withdrawn');
ok($journal->sql("SELECT max(cardinality(ordinals)) FROM order_gateway_journal_mark WHERE call_id = $call AND NOT leaves") > 500,
	'... in one mark');
$journal->sql('ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()');
is($journal->sql("SELECT count(*), count(DISTINCT order_id), min(outcome), max(outcome) FROM order_gateway_results"
	  . " WHERE call_id = $call"), '1000|1000|not_sent|not_sent', '... of which each has its row');
indexes_agree('... that each index knows');

done_testing();
