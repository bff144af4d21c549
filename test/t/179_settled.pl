# Settled by itself: a worker asks what became of orders whose outcome is unknown.
# It must find out all that its providers tell, at their pace, and nothing else.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(time);

use OrderGateway::Journal;
use OrderGateway::Test qw(sql_array sql_text);

my %MARKET = (xt => 'btc_usdt', btse => 'BTC-USD');
my %CANCEL = (xt => 'batch_cancel', tronsave => 'tronsave_cancel',
	btse => 'btse_cancel', wangdian => 'wangdian_cancel');

# A request that may still be running is believed only after a minute, so what was
# sent is made older where an order that is open matters.
my $OLDER = q{interval '2 min'};

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(),
	options => { rate_limit => 'off', query_rate_limit => 'off', settle_after => '1s' });
my ($node, $sandbox) = ($test->node, $test->sandbox);
my $journal = OrderGateway::Journal->new($node);

# Submit a cancel whose answer is lost; "processed": it is carried out.
sub lose_cancel
{
	my ($provider, $ids, %options) = @_;

	$sandbox->arm($options{processed} ? 'close_after' : 'close_before',
		provider => $provider, times => 0,
		operation => $provider eq 'xt' || $provider eq 'wangdian' ? 'batch_cancel' : 'cancel');
	my $call = $journal->submit($CANCEL{$provider},
		($MARKET{$provider} ? sql_text($MARKET{$provider}) : ()), sql_array(@$ids),
		'server => ' . sql_text($options{server} // $provider));
	$journal->wait_for($call, 'done', "$provider: a cancel whose answer is lost is done");
	$sandbox->disarm;
	return $call;
}

sub is_settled
{
	my ($call, $expected, $name) = @_;

	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_results'
		  . " WHERE call_id = $call AND outcome = 'unknown'", $name);
	return is($journal->sql('SELECT string_agg(DISTINCT outcome || $$ $$ || order_state, $$, $$)'
			  . " FROM order_gateway_results WHERE call_id = $call"),
		$expected, '... as it is');
}

$journal->wait_for_worker('there is a worker');

foreach my $provider (sort keys %CANCEL)
{
	my @ids = $provider eq 'xt' || $provider eq 'btse' ? (1 .. 7) : map { "R$_" } 1 .. 7;

	$test->reset;
	$test->seed($provider, @ids);
	my $call = lose_cancel($provider, \@ids, processed => 1);
	is_settled($call, 'cancelled cancelled', "$provider: what was done is found out");
	is($journal->of($call, q{cancelled || ' ' || unknown}), '7 0', '... and counted');
	is($journal->sql('SELECT count(*), count(settled_at), max(message) <> $$$$ FROM order_gateway_results'
			  . " WHERE call_id = $call AND answered_outcome = 'unknown'"),
		'7|7|t', '... what the call learned stays');
	$journal->wait_until('SELECT unsettled = 0 FROM order_gateway_workers', '... and nobody asks again');
}

done_testing();
