# Settling at random: orders that live through creates, amendments, fills,
# cancels and time, a provider that tells sizes in either way and leaves things
# out, and a truth that no word of order_gateway_settle may contradict.
#
# OG_SEED=n tries others than those of every run.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test qw(sql_array);

my $ROUNDS = 60;
my $ORDERS = 6;

my $test = OrderGateway::Test->start(options => { rate_limit => 'off' });
my $sandbox = $test->sandbox;
my $session = $test->session;
my $seed = $ENV{OG_SEED} // 1;

$session->query("ALTER SERVER btse OPTIONS (ADD query_rate_limit 'off')");
srand($seed);
note("OG_SEED=$seed");

sub one_of { return $_[ int rand @_ ]; }

# ----
# Lives
# ----

# Place an order of either kind; its client order id, and what it was.
sub place
{
	my ($client_id) = @_;
	my $size = 1 + int rand 3;
	my ($type, $more) = @{ one_of([ 'LIMIT', '' ], [ 'LIMIT', '' ], [ 'LIMIT', '' ], [ 'MARKET', '' ],
			[ 'OCO', ', stop_price => 41000, trigger_price => 40000' ]) };
	my $price = $type eq 'MARKET' ? '' : ', price => 30000';

	$session->query("SELECT FROM btse_create_order('BTC-USD', 'BUY', '$type', $size,"
		  . " client_order_id => '$client_id'$price$more)");
	return "$type $size";
}

# Something happens to one of the orders: this, or anything.  Answers what did.
sub happen
{
	my ($order, $what) = @_;
	my $alive = $order->{status} =~ /^(open|partly_filled)$/;
	my $rest = $order->{size} - $order->{filled};

	$what //= one_of(qw(fill fill fill amend amend amend age));

	if ($what eq 'age')
	{
		my $minutes = one_of(1, 20, 31, 31);

		$sandbox->age('btse', $order->{id}, $minutes * 60);
		return "age $minutes";
	}
	return () if !$alive;
	if ($what eq 'amend')
	{
		my $size = $order->{filled} + 1 + int rand 4;

		$session->query("SELECT FROM btse_amend_order('BTC-USD', order_id => '$order->{id}', size => $size)");
		return "amend $size";
	}
	if ($what eq 'cancel')
	{
		$session->query("SELECT FROM btse_cancel('BTC-USD', ARRAY['$order->{id}'])");
		return 'cancel';
	}
	my $size = rand() < 0.4 ? $rest : 1 + int rand $rest;

	$sandbox->fill('btse', $order->{id}, size => $size);
	return "fill $size";
}

# The orders there are, by their ids.
sub truth
{
	return { map { $_->{id} => $_ } @{ $sandbox->orders(provider => 'btse') } };
}

# ----
# What the provider may do wrong
# ----

my @FAULTS = (
	([]) x 12,
	[ 'null_fields', fields => ['size'] ],
	[ 'null_fields', fields => ['tradeId'] ],
	[ 'null_fields', fields => ['filledSize'] ],
	[ 'null_fields', fields => ['timestamp'] ],
	[ 'set_fields', values => { size => 0 } ],
	[ 'set_fields', values => { filledSize => -1 } ],
	[ 'set_fields', values => { tradeId => 'the same' }, which => 'all' ],
	[ 'missing_rows' ],
	[ 'repeated_rows' ],
	[ 'extra_rows' ],
	[ 'reordered_rows' ]);

sub misbehave
{
	my ($fault, @args) = @{ one_of(@FAULTS) };

	$sandbox->settings(
		btse_trade_size => one_of(qw(original current)),
		btse_not_found => one_of(qw(400 404 row)),
		btse_naming => one_of(qw(examples tables old)));
	$sandbox->arm($fault, provider => 'btse', operation => 'trade_history', times => 0, @args)
	  if defined $fault;
	return $fault // 'nothing';
}

# ----
# Promises
# ----

# What is wrong with what was said of an order of which this is known.
sub complaint
{
	my ($said, $order) = @_;
	my ($outcome, $state) = @$said{qw(outcome order_state)};
	my $status = $order->{status};
	my $alive = $status =~ /^(open|partly_filled|trigger|activated)$/;
	my %fits = (
		cancelled => $status eq 'cancelled',
		filled => $status eq 'filled',
		open => $alive && $order->{filled} == 0,
		partly_filled => $order->{filled} > 0 && $status ne 'gone',
		gone => !$alive,
		unknown => 1);
	my %follows = (
		cancelled => $status eq 'cancelled',
		not_cancellable => $status eq 'filled',
		rejected => $alive,
		unknown => 1);

	return "state $state" if !$fits{$state};
	return "outcome $outcome" if !$follows{$outcome};
	return ();
}

sub settled
{
	my ($ids, $by, $act, $ago) = @_;

	return $session->rows('SELECT row_to_json(s) FROM (SELECT order_id, outcome, order_state, message FROM'
		  . " order_gateway_settle('btse', " . sql_array(@$ids)
		  . ", array_fill(now() - interval '$ago s', ARRAY[" . scalar(@$ids)
		  . "]), 'BTC-USD', '$by', '$act')) AS s");
}

# ----
# Rounds
# ----

my (%heard, @lies);

foreach my $round (1 .. $ROUNDS)
{
	my %life;
	my ($orders, $fault, @rows);

	$sandbox->reset;
	$sandbox->put('btse', 'book', { symbol => 'BTC-USD', buy => [ [ 29000, 9 ] ], sell => [ [ 31000, 3 ] ] });
	$fault = misbehave();
	foreach my $n (1 .. $ORDERS)
	{
		my $kind = place("mine-$n");

		push @{ $life{ $_->{id} } }, $kind
		  foreach grep { ($_->{client_order_id} // '') eq "mine-$n" } values %{ truth() };
	}
	# Most lives are over in the end, one way or the other, and some long ago.
	foreach my $step (undef, undef, undef, 'cancel', 'age')
	{
		foreach my $order (values %{ truth() })
		{
			push @{ $life{ $order->{id} } }, happen($order, $step)
			  if !defined $step || rand() < 0.6;
		}
	}

	$orders = truth();
	my @ids = sort keys %$orders;

	foreach my $said (@{ settled(\@ids, 'order_id', 'cancel', 61) })
	{
		my $order = $orders->{ $said->{order_id} };

		$heard{"$said->{outcome} $said->{order_state}"}++;
		push @lies, map { "round $round: $_ of an order that is $order->{status}, $order->{filled} of $order->{size}"
			  . " (" . join(', ', @{ $life{ $order->{id} } }) . "; fault $fault): $said->{message}" }
		  complaint($said, $order);
	}

	# Of a create, only whether there is one.
	foreach my $said (@{ settled([ map { "mine-$_" } 1 .. $ORDERS + 1 ], 'client_order_id', 'create', 24 * 3600) })
	{
		my $there = grep { ($_->{client_order_id} // '') eq $said->{order_id} } values %$orders;

		$heard{"create $said->{outcome}"}++;
		push @lies, "round $round: $said->{order_id} is $said->{outcome}"
		  if $said->{outcome} ne 'unknown' && !($there && $said->{outcome} eq 'accepted');
	}
}
is_deeply(\@lies, [], "nothing untrue was said of $ROUNDS times some $ORDERS orders")
  or diag("OG_SEED=$seed");
diag("heard: $_, $heard{$_} times") foreach grep { $ENV{OG_SEED} } sort keys %heard;
foreach my $known ('cancelled cancelled', 'not_cancellable filled', 'rejected open',
	'rejected partly_filled', 'unknown partly_filled', 'unknown gone', 'create accepted',
	'create unknown')
{
	cmp_ok($heard{$known} // 0, '>', 0, "... and it was said: $known");
}
is_deeply($sandbox->executed('btse', 'cancel_all'), [], '... without touching any');

done_testing();
