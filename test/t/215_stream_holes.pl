# Fills of a long time that nobody followed: they are read in stretches of a week, in
# no more than a quarter of what queries may have, and what cannot be had is an event.

use strict;
use warnings;
use utf8;

use List::Util qw(max min);
use Test::More;

use OrderGateway::Appended;

my $DAY = 86_400;
my $WEEK_MS = 7 * $DAY * 1000;

# Of these a quarter is one in each half second.
my $streams = OrderGateway::Appended->start(options => { query_rate_limit => '8/1s' });
my $sandbox = $streams->sandbox;

sub is_of
{
	my ($request, $path) = @_;

	return $request->{path} =~ m{/\Q$path\E$};
}

# What was read, and when it arrived.
sub reads
{
	my ($path, $since) = @_;

	return grep { is_of($_, $path) && $_->{number} > $since } @{ $sandbox->requests(provider => 'btse') };
}

sub last_number { return max(0, map { $_->{number} } @{ $sandbox->requests(provider => 'btse') }); }

my $id = $streams->follow('fills');

$streams->fill(3);
$streams->fill(2, market => 'ETH-USD');
$streams->fills_ok('what is told is there');

subtest 'a hole of three weeks' => sub {
	my @ids;

	$streams->wait_sql('SELECT count(*) > 1 FROM order_gateway_stream_mark WHERE symbol <> \'\'', 't', 'markets are known');
	my $since = last_number();

	# Nobody follows them meanwhile.
	$streams->node->append_conf('postgresql.conf', "order_gateway.databases = ''");
	$streams->node->restart;
	$streams->sql(q{UPDATE order_gateway_stream_mark SET complete_until = complete_until - interval '21 days'});

	# One in each of its weeks, and one where two of them meet.
	foreach my $days (20, 14, 13, 7, 3)
	{
		my $made = ++$streams->{made};
		my $order = sprintf 'f0000000-0000-4000-8000-%012d', $made;

		$sandbox->seed('btse', market => 'BTC-USD', ids => [$order], fields => { size => '3.5', price => '10' });
		$sandbox->fill('btse', $order, size => sprintf('0.%06d', $made), price => 20 + $made);
		$sandbox->age('btse', $order, $days * $DAY);
		push @ids, $order;
	}
	$streams->node->append_conf('postgresql.conf', "order_gateway.databases = 'postgres'");
	$streams->node->restart;
	$streams->wait_sql('SELECT count(DISTINCT order_id) FROM btse_fill_log WHERE order_id IN (\'' . join("', '", @ids) . '\')',
		scalar @ids, 'all of its fills are there');
	$streams->fills_ok('... each once');
	$streams->state_ok($id, 'live', '... and the stream is live');

	my @reads = grep { $_->{query} =~ /BTC-USD/ } reads('trade_history', $since);
	my @spans = map { [ $_->{query} =~ /startTime=(\d+)/, $_->{query} =~ /endTime=(\d+)/ ] } @reads;

	cmp_ok(scalar(@spans), '>=', 4, 'it was read in several stretches');
	cmp_ok(max(map { $_->[1] - $_->[0] } @spans), '<=', $WEEK_MS, '... of a week at most');
	cmp_ok((max(map { $_->[1] } @spans) - min(map { $_->[0] } @spans)) / 1000 / $DAY, '>', 20.9, '... which are three weeks');
	is($streams->sql(q{SELECT count(*) FROM btse_stream_event WHERE event = 'hole'}), '0', 'nothing is missing');
};

subtest 'a quarter of what queries may have' => sub {
	my $since = last_number();

	$sandbox->put('btse', 'markets', { symbol => "NEW$_-USD" }) foreach 1 .. 12;
	$sandbox->close_streams(how => 'drop');
	$streams->wait_sql('SELECT count(*) >= 12 FROM order_gateway_stream_mark WHERE symbol LIKE \'NEW%\'', 't', 'many markets are read');
	my @times = sort { $a <=> $b } map { $_->{arrived_at} } reads('trade_history', $since), reads('market_summary', $since);

	cmp_ok(scalar @times, '>=', 13, 'it takes some requests');
	cmp_ok($times[-1] - $times[0], '>', 0.75 * ($#times / 2 - 1), '... two in a second, not eight');

	# What is left is for those who call.
	$sandbox->close_streams(how => 'drop');
	$sandbox->wait_for(more => 2, provider => 'btse');
	is($streams->sql('SELECT count(*) > 0 FROM btse_trade_history(\'BTC-USD\')'), 't', 'a call meanwhile has an answer');
};

subtest 'what cannot be had' => sub {
	$sandbox->arm('status', provider => 'btse', operation => 'trade_history', status => 400,
		body => { status => 400, errorCode => -7, message => 'no such market', time => 1 }, times => 0);
	$sandbox->close_streams(how => 'drop');
	$streams->wait_sql(q{SELECT string_agg(DISTINCT message, ', ') FROM btse_stream_event WHERE event = 'hole'},
		'fills of this market were not read: the provider tells nothing of it', 'is an event');
	$streams->wait_sql(q{SELECT count(*) > 0 AND bool_and(from_time < to_time) FROM btse_stream_event
		WHERE event = 'hole' AND symbol = 'BTC-USD'}, 't', '... which names the market and the time');
	$sandbox->disarm;
};

$sandbox->stop;
done_testing();
