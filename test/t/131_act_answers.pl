# Answers to acts that tell of something else than was asked for, that leave
# out a leg, or that name what is too long: no verdict, no half of it, no
# shortened id.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test qw(letters sql_text);

my $test = OrderGateway::Test->start(options => { rate_limit => 'off' });
my $sandbox = $test->sandbox;
my $session = $test->session;

sub rows
{
	my ($sql) = @_;

	return $session->rows("SELECT row_to_json(r) FROM $sql AS r");
}

# A new order; what is left out is that of one which rests.
sub create_sql
{
	my (%given) = (type => 'LIMIT', side => 'BUY', price => 34000,
		client_order_id => 'mine', @_);
	my $more = join '', map { ", $_ => " . ($given{$_} =~ /^[\d.]+$/
		? $given{$_} : sql_text($given{$_})) }
	  grep { defined $given{$_} && !/^(?:type|side)$/ } sort keys %given;

	return "btse_create_order('BTC-USD', '$given{side}', '$given{type}', 0.002$more)";
}

sub create { return rows(create_sql(@_)); }

my %OCO = (type => 'OCO', price => 24000, stop_price => 40010,
	trigger_price => 40000);

# What the rows say became of it.
sub outcomes { return join ' ', map { $_->{outcome} } @{ $_[0] }; }

# Strangers that the last statement warned of.
sub strangers
{
	return join ' ', $session->stderr =~ /answered about (\d+) orders? that/g;
}

sub requests { return scalar @{ $sandbox->requests(provider => 'btse') }; }

# ----
# Cancels
# ----

foreach my $by (qw(order_id client_order_id))
{
	$test->reset;
	$sandbox->seed('btse', market => 'BTC-USD', ids => ['a'],
		client_order_id => 'a');
	$sandbox->arm('btse_other_order', provider => 'btse', symbol => 'ETH-USD');
	my $rows = $session->call('btse', ['a'], by => $by);

	is(letters($rows), 'U', "btse_cancel by $by: an order of another market");
	is($rows->[0]{message}, 'the answer names an order of another market',
		'... says why');
	like($rows->[0]{response}, qr/"symbol":"ETH-USD"/, '... shows it');
	is(strangers(), 1, '... in one warning');
	is(requests(), 1, '... sent once');
	is($sandbox->truth('btse')->{a}, 'cancelled', '... whatever became of it');
}
foreach my $symbol ('btc-usd', '')
{
	$test->reset;
	$test->seed('btse', 'a');
	$sandbox->arm('btse_other_order', provider => 'btse', symbol => $symbol);
	is(letters($session->call('btse', ['a'])), 'C', "btse_cancel: market \"$symbol\"");
	is(strangers(), '', '... is no other');
}
# a market without its quote, of an order that nobody knows
$test->reset;
$sandbox->arm('btse_other_order', provider => 'btse', symbol => 'BTC-null');
is(letters($session->call('btse', ['a'])), 'N', 'btse_cancel: BTC-null is not another market');

# one of several, and the count of all
$test->reset;
$test->seed('btse', 1 .. 10);
$sandbox->arm('btse_other_order', provider => 'btse', symbol => 'ETH-USD',
	match_id => $_) foreach 3, 7;
my $rows = $session->call('btse', [ 1 .. 10, 3 ]);
is(letters($rows), 'CCUCCCUCCCU', 'two of ten, one asked for twice');
is(strangers(), 2, '... one warning for all');

# a leg of another market
$test->reset;
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 'a', 'b' ], group => 'g');
$sandbox->arm('btse_other_order', provider => 'btse', symbol => 'ETH-USD',
	which => 'last');
is(letters($session->call('btse', ['a'])), 'C', 'a leg of another market has no row');
is(strangers(), 1, '... but a warning');
$test->reset;
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 'a', 'b' ], group => 'g');
$sandbox->arm('btse_other_order', provider => 'btse', symbol => 'ETH-USD');
is(letters($session->call('btse', ['a'])), 'U+U',
	'where the order itself is of another, no leg is believed');

# ----
# Creates and amendments
# ----

foreach my $case (
	[ 'another market', { symbol => 'ETH-USD' } ],
	[ 'the other side', { side => 'SELL' } ],
	[ 'the other side', { side => 'mode_sell' } ],
	[ 'any price', { type => 77 } ])
{
	my ($name, $told) = @$case;

	$test->reset;
	$sandbox->arm('btse_other_order', provider => 'btse', %$told);
	my ($row, @more) = @{ create() };
	is_deeply([ @$row{qw(outcome code client_order_id ordinal)}, scalar @more ],
		[ 'unknown', undef, 'mine', 1, 0 ], "create: $name");
	is_deeply([ @$row{qw(order_id symbol side status price)} ], [ (undef) x 5 ],
		'... nothing of it is shown as if it were the order');
	ok($row->{raw}{orderID}, '... but in raw');
	like($row->{message}, qr/^the answer names an? /, '... which says why');
	is(strangers(), 1, '... counted');
	is(requests(), 1, '... sent once');
}
foreach my $told ({ symbol => 'btc-usd', side => 'buy' }, { side => '66' },
	{ type => 80 }, { type => 0 }, { side => '' })
{
	my $words = join ', ', map { "$_ \"$told->{$_}\"" } sort keys %$told;

	$test->reset;
	$sandbox->arm('btse_other_order', provider => 'btse', %$told);
	is(outcomes(create()), 'accepted', "create: $words is no other order");
	is(strangers(), '', '... and no warning');
}
# a refusal tells of no order, and its side is a default
$test->reset;
$sandbox->arm('verdict', provider => 'btse', code => 15);
is(outcomes(create(side => 'SELL')), 'rejected', 'create: a refusal that names no side');

$test->reset;
create();
$sandbox->arm('btse_other_order', provider => 'btse', symbol => 'ETH-USD',
	operation => 'amend_order');
my ($row) = @{ rows(q{btse_amend_order('BTC-USD', client_order_id => 'mine', price => 33000)}) };
is_deeply([ @$row{qw(outcome client_order_id order_id symbol)} ],
	[ 'unknown', 'mine', undef, undef ], 'amend: an order of another market');
is(strangers(), 1, '... counted');
$sandbox->arm('btse_other_order', provider => 'btse', side => 'SELL',
	operation => 'amend_order');
is(outcomes(rows(q{btse_amend_order('BTC-USD', client_order_id => 'mine', price => 33000)})),
	'accepted', 'amend: the side was not asked for');

# many at once, of which two are told otherwise
$test->reset;
$sandbox->arm('btse_other_order', provider => 'btse', side => 'SELL',
	match_id => $_) foreach qw(n3 n5);
$rows = rows('btse_create_orders((SELECT jsonb_agg(jsonb_build_object('
	  . q{'symbol', 'BTC-USD', 'side', 'BUY', 'type', 'LIMIT', 'size', 1,}
	  . q{'price', 34000, 'client_order_id', 'n' || n)) FROM generate_series(1, 6) n))});
is(outcomes($rows), 'accepted accepted unknown accepted unknown accepted',
	'create_orders: two of six');
is(strangers(), 2, '... one warning for all');

# Investments: what a body says that need not be there
foreach my $case ([ '{"amount":1.50}', 'accepted' ], [ '{"amount":"1.5"}', 'accepted' ],
	[ '{"amount":1.05}', 'unknown' ], [ '{"productId":"other"}', 'unknown' ])
{
	my ($body, $outcome) = @$case;

	$test->reset;
	$sandbox->arm('status', provider => 'btse', status => 200, body => $body);
	is(outcomes(rows(q{btse_invest_deposit('openusdt0001', 1.500)})), $outcome,
		"deposit: $body");
}

# ----
# Orders that are two
# ----

foreach my $which (qw(first last))
{
	$test->reset;
	$sandbox->arm('missing_rows', provider => 'btse', which => $which);
	$rows = create(%OCO);
	is(join(' ', map { "$_->{ordinal}:$_->{outcome}" } @$rows),
		'1:accepted 1:unknown', "OCO: the $which leg is missing");
	is_deeply([ @{ $rows->[1] }{qw(client_order_id order_id raw message)} ],
		[ 'mine', undef, undef,
			'the answer names one of the two orders that an OCO order is' ],
		'... and has a row of its own');
	is(strangers(), '', '... and nobody else is named');
}
$test->reset;
$sandbox->arm('repeated_rows', provider => 'btse');
is(outcomes(create(%OCO)), 'accepted accepted', 'OCO: each leg twice');
$test->reset;
$sandbox->arm('missing_rows', provider => 'btse');
$sandbox->put('btse', 'balances', { USD => '1' });
is(outcomes(create(%OCO)), 'unknown', 'OCO: no leg, of an order that was refused');
$test->reset;
$sandbox->put('btse', 'balances', { USD => '1' });
is(outcomes(create(%OCO)), 'rejected', 'OCO: refused as a whole');
$test->reset;
$sandbox->arm('too_frequent', provider => 'btse', form => '303');
$rows = create(%OCO);
is(join(' ', map { "$_->{outcome} $_->{attempts}" } @$rows), 'accepted 2 accepted 2',
	'OCO: too frequent as a whole goes again');
$test->reset;
$sandbox->arm('missing_rows', provider => 'btse', match_id => 'n2');
$rows = rows('btse_create_orders((SELECT jsonb_agg(jsonb_build_object('
	  . q{'symbol', 'BTC-USD', 'side', 'BUY', 'type', 'OCO', 'size', 1, 'price', 24000,}
	  . q{'stop_price', 40010, 'trigger_price', 40000, 'client_order_id', 'n' || n))}
	  . q{ FROM generate_series(1, 3) n))});
is(join(' ', map { "$_->{ordinal}:$_->{outcome}" } @$rows),
	'1:accepted 1:accepted 2:accepted 2:unknown 3:accepted 3:accepted',
	'OCO: one of many');
is(join(' ', map { $_->{client_order_id} } @$rows), 'n1 n1 n2 n2 n3 n3',
	'... with its client order id');

# ----
# Orders that are over as soon as they are there
# ----

foreach my $case (
	[ accepted => type => 'LIMIT', post_only => 'true' ],
	[ accepted => time_in_force => 'IOC' ],
	[ accepted => time_in_force => 'FOK' ],
	[ accepted => type => 'MARKET', price => undef ],
	[ unknown => post_only => 'false' ],
	[ unknown => time_in_force => 'GTC' ])
{
	my ($outcome, %given) = @$case;
	my $words = join ', ', map { "$_ " . ($given{$_} // 'none') } sort keys %given;

	$test->reset;
	$sandbox->arm('verdict', provider => 'btse', code => 6);
	is(outcomes(create(%given)), $outcome, "status 6 of a new order: $words");
}
$test->reset;
$sandbox->arm('verdict', provider => 'btse', code => 6, match_id => 'n2');
$rows = rows(q{btse_create_orders('[{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT",
	"size": 1, "price": 34000, "client_order_id": "n1", "post_only": true},
	{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 34000,
	"client_order_id": "n2", "post_only": true}]')});
is(outcomes($rows), 'accepted accepted', '... and of one of many');

# ----
# Long names are whole, or none
# ----

my $LONG = substr('0123456789' x 600, 0, 5000);

$test->reset;
$sandbox->arm('long_text', provider => 'btse');
($row) = @{ create() };
is($row->{order_id}, $LONG, 'an order id of 5,000 characters is whole');
is($row->{outcome}, 'unknown', '... and too long to tell orders apart by');
$sandbox->arm('long_text', provider => 'btse', field => 'symbol', operation => 'open_orders');
is($session->value(q{SELECT symbol FROM btse_open_orders()}), $LONG, '... so is a market');
$sandbox->arm('long_text', provider => 'btse', operation => 'open_orders', chars => 16_382);
is($session->value('SELECT length(order_id) FROM btse_open_orders()'), 16_382,
	'the longest text of a column');
$sandbox->arm('long_text', provider => 'btse', operation => 'open_orders', chars => 16_383);
is($session->value(q{SELECT order_id IS NULL AND length(raw->>'orderID') = 16383
	FROM btse_open_orders()}), 't', '... and a longer one is NULL, and in raw');
$sandbox->arm('long_text', provider => 'btse', field => 'message', chars => 5000);
($row) = @{ create(client_order_id => 'other') };
is($row->{message}, substr($LONG, 0, 1000), 'only a message is cut');
$sandbox->seed('xt', market => 'btc_usdt', ids => [1]);
$sandbox->arm('long_text', provider => 'xt', operation => 'get_open_orders');
is($session->value(q{SELECT order_id FROM xt_open_orders('btc_usdt')}), $LONG,
	'an id of XT');

# Orders whose ids are too long to be told apart are not taken for one.
$test->reset;
$test->seed('btse', 'a');
my @long = map { "\"orderID\":\"" . 'x' x 600 . "$_\"" } 1, 2;
$sandbox->arm('status', provider => 'btse', status => 200, body => '[' . join(',',
		map { "{$_,\"clOrderID\":\"a\",\"status\":6}" } @long) . ']');
unlike(letters($session->call('btse', ['a'], by => 'client_order_id')), qr/C/,
	'orders whose ids are too long to be told apart');

$session->quit;
done_testing();
