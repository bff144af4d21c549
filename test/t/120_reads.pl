# Reads: every documented field has its column, whatever the documents call
# it; what is of another type is NULL and stays in "raw"; and long ranges, many
# ids and pages come whole and without doubles.
#
# What a column is called follows from the name of its field by one rule, which
# this test applies on its own to what came.

use strict;
use warnings;
use utf8;

use POSIX qw(strftime);
use Test::More;

use OrderGateway::Test qw(sql_array sql_text);

# Fields that answers call otherwise than the tables do; by function.
my %SIZES = (
	remainingBaseSize => ['remaining_order_base_size'],
	remainingQuoteSize => ['remaining_order_quote_size'],
	remainingSize => ['remaining_order_base_size'],
	size => [ 'original_order_base_size', 'current_order_base_size' ],
	filledSize => ['total_filled_base_size'],
	fillSize => ['total_filled_base_size'],
);
my %ALIASES = (
	btse_order => \%SIZES,
	btse_open_orders => \%SIZES,
	btse_invest_orders => { investamt => ['investment'], id => ['order_id'] },
	xt => { id => ['order_id'] },
);

# Columns that no field has.
my %MADE = map { $_ => 1 } qw(side level order_id);

my $test = OrderGateway::Test->start(options => {});
my ($sandbox, $node, $session) = ($test->sandbox, $test->node, $test->session);
$session->query("SET timezone = 'UTC'");

# ----
# Words
# ----

# The column of a field, by the rule.
sub column_name
{
	my ($field) = @_;

	return 'order_id' if $field =~ /^order(?:ID|Id)$/;
	return 'client_order_id' if $field =~ /^clOrder(?:ID|Id)$/;
	return 'event_time' if $field eq 'timestamp';
	return lc($field =~ s/([a-z0-9])([A-Z])/$1_$2/gr);
}

# Rows of a call: hashes of texts, "columns" and the fields in "raw".
sub rows_of
{
	my ($call) = @_;

	return $session->rows(<<"SQL");
SELECT json_build_object(
	'columns', (SELECT json_object_agg(key, value) FROM json_each_text(row_to_json(r)) WHERE key <> 'raw'),
	'raw', CASE json_typeof(r.raw) WHEN 'object' THEN (SELECT json_object_agg(key, value) FROM json_each_text(r.raw)) END)
FROM $call AS r
SQL
}

# A Unix time as PostgreSQL's JSON has it; no time for 0.
sub time_text
{
	my ($ms) = @_;
	my $text = strftime('%Y-%m-%dT%H:%M:%S', gmtime(int($ms / 1000)));

	return undef if $ms == 0;
	$text .= sprintf('.%03d', $ms % 1000) =~ s/0+$//r if $ms % 1000;
	return "$text+00:00";
}

# Is this what a column should say of a field?
sub same
{
	my ($got, $given, $is_time) = @_;

	$given = time_text($given) if $is_time && defined $given;
	return !defined $got && !defined $given
	  || defined $got && defined $given && $got eq $given;
}

my %TIMES = map { $_ => 1 } qw(event_time contract_start contract_end
  open_time close_time start_matching inactive_time startdate
  intereststartdate nextinterestpayouttime starttime endtime txntime time);

# What is wrong with the columns of a row, by what is in its "raw".
sub complaints
{
	my ($function, $row) = @_;
	my ($columns, $raw) = @$row{qw(columns raw)};
	my $aliases = $ALIASES{$function} // $ALIASES{ $function =~ s/_.*//r }
	  // {};
	my %filled;
	my @wrong;

	foreach my $field (sort keys %$raw)
	{
		foreach my $name (@{ $aliases->{$field} // [ column_name($field) ] })
		{
			$filled{$name} = 1;
			if (!exists $columns->{$name})
			{
				push @wrong, "$field has no column $name";
			}
			elsif (!same($columns->{$name}, $raw->{$field}, $TIMES{$name}))
			{
				push @wrong, "$name is " . ($columns->{$name} // 'NULL')
				  . ", $field is " . ($raw->{$field} // 'null');
			}
		}
	}
	push @wrong, map { "$_ is from nowhere" }
	  grep { defined $columns->{$_} && !$filled{$_} && !/_name$/ && !$MADE{$_} }
	  sort keys %$columns;
	return @wrong;
}

sub columns_ok
{
	my ($function, $arguments, $count, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $rows = rows_of("$function($arguments)");

	is(scalar(@$rows), $count, "$name: so many rows");
	is_deeply([ map { complaints($function, $_) } @$rows ], [],
		'... whose columns are their fields');
	return $rows;
}

sub texts { return [ $session->query($_[0])->{lines}->@* ]; }

# The queries of requests so far, in order.
sub queries { return [ map { $_->{query} } @{ $sandbox->requests } ]; }

my $now_ms = time() * 1000;
my $HOUR = 3_600_000;
my $DAY = 24 * $HOUR;

sub timestamp { return "to_timestamp($_[0] / 1000.0)"; }

# ----
# Columns, however they are called
# ----

foreach my $naming (qw(examples tables old))
{
	$test->reset;
	$test->seed('btse', 'o-1', 'o-2');
	$test->seed('xt', 1 .. 3);
	$test->seed('tronsave', 'a', 'b');
	$sandbox->fill('btse', 'o-1', size => '2.5', price => '1.10');
	$sandbox->put('btse', 'investments',
		{ id => '9007199254740993', name => 'n', currency => 'btc' });
	$sandbox->put('btse', 'invest_history',
		{ txntime => 1598918400000, amount => '100.00' });
	$sandbox->settings(btse_naming => $naming);

	columns_ok('btse_market_summary', '', 3, "$naming: markets");
	columns_ok('btse_market_summary', "'BTC-USD'", 1, "$naming: one market");
	columns_ok('btse_price', "'BTC-USD'", 1, "$naming: price");
	columns_ok('btse_trades', "'BTC-USD', count => 7", 7, "$naming: trades");
	my $order = columns_ok('btse_order', "'o-1'", 1, "$naming: an order");
	is_deeply([ @{ $order->[0]{columns} }{qw(status status_name order_type_name
			trigger_order_type_name remaining_order_base_size)} ],
		[ 5, 'ORDER_PARTIALLY_TRANSACTED', 'ORDER_TYPE_LIMIT', undef, '7.5' ],
		'... with the names of its numbers');
	columns_ok('btse_open_orders', '', 2, "$naming: open orders");
	columns_ok('btse_open_orders', "order_id => 'o-2'", 1,
		"$naming: one of them");
	columns_ok('btse_trade_history', "'BTC-USD', order_id => 'o-1'", 1,
		"$naming: an order's trades");
	columns_ok('btse_fees', '', 3, "$naming: fees");
	columns_ok('btse_fees', "'BTC-USD'", 1, "$naming: those of one market");
	my $products = columns_ok('btse_invest_products', '', 3,
		"$naming: products");
	like($products->[0]{columns}{rates}, qr/^\[\{"days": ?1,/,
		'... with rates as they are');
	my $invested = columns_ok('btse_invest_orders', '', 1,
		"$naming: investments");
	is($invested->[0]{columns}{order_id}, '9007199254740993',
		'... whose ids keep their digits, and are called as in acts');
	columns_ok('btse_invest_history', '', 1, "$naming: what was invested");
	columns_ok('xt_open_orders', "'btc_usdt'", 3, "$naming: open at xt");
	columns_ok('xt_order', "'btc_usdt', '2'", 1, "$naming: one at xt");
	columns_ok('xt_orders', "'btc_usdt', ARRAY[3, 1]", 2, "$naming: two at xt");
	columns_ok('tronsave_orders', "'{b,a}'::text[]", 2, "$naming: tronsave");

	is_deeply(texts("SELECT side, level, price, size, symbol, raw->>'price' FROM btse_orderbook('BTC-USD', 0, 2, 1)"),
		[ 'buy|1|36975.5|5.00000|BTC-USD|36975.5',
			'buy|2|36975.0|10.00000|BTC-USD|36975.0',
			'sell|1|36976.5|5.00000|BTC-USD|36976.5' ],
		"$naming: a book is its levels");
	is_deeply(texts("SELECT side, count(*), max(level), count(event_time) FROM btse_orderbook_l2('BTC-USD', depth => 4) GROUP BY side ORDER BY side"),
		[ 'buy|4|4|4', 'sell|4|4|4' ], '... of so many on each side');
	is_deeply(texts("SELECT count(*), bool_and(open_time = to_timestamp((raw->>0)::int) AND (open, high, low, close, volume) = ((raw->>1)::numeric, (raw->>2)::numeric, (raw->>3)::numeric, (raw->>4)::numeric, (raw->>5)::numeric)) FROM btse_ohlcv('BTC-USD', 60)"),
		['300|t'], "$naming: candles are lists");
}
is_deeply(texts("SELECT abs(extract(epoch FROM epoch - now())) < 60, iso LIKE '20%Z' FROM btse_time()"),
	['t|t'], 'the time');

# ----
# Other types than documented
# ----

# Answer the next request of an operation with this.
sub answer
{
	my ($operation, $body, %more) = @_;

	$test->reset;
	$sandbox->arm('status', provider => 'btse', operation => $operation,
		status => 200, body => $body, %more);
	return;
}

answer('open_orders', '[{"orderID":17,"symbol":null,"price":"1e3","orderValue":"x","status":"5","orderType":76.0,"triggerOrderType":8.0E1,"timestamp":1.6E12,"triggered":"true","clOrderID":{"a":1},"avgFilledPrice":0.000000006,"trailValue":-0.10,"pegPriceMin":123456789012345678901234567890.123,"pegPriceMax":[1],"unheard":"of"},{}]');
is_deeply(texts("SELECT order_id, symbol, price, order_value, status_name, order_type, order_type_name, trigger_order_type_name, extract(epoch FROM event_time)::bigint, triggered, client_order_id, avg_filled_price, trail_value, peg_price_min, peg_price_max, raw->>'unheard' FROM btse_open_orders()"),
	[ '17||1000||ORDER_PARTIALLY_TRANSACTED|76|ORDER_TYPE_LIMIT|ORDER_TYPE_PEG|1600000000|||0.000000006|-0.10|123456789012345678901234567890.123||of',
		'|||||||||||||||' ],
	'what is not of its type is NULL, numbers are exact, and raw has it all');

# Digit for digit and place for place what numeric itself reads, as a number and
# as a string; 18 digits are where the way to it changes.
my @numbers = (
	qw(0 -0 0.0 -0.00 7 -7 10 1.0 1.50 -0.000000006 36164.5 0.10 120 1000000),
	qw(1e5 1E+5 1.0E-4 5.0E-4 1.5e1 12.50e1 0e-5 0.0e3 -0e0 1e005 1e100 1e-100),
	map { ($_, "-$_", "0.$_", "1.$_", "$_.5", "${_}e-20", "$_.0e3") }
	map { (substr('1234567890' x 2, 0, $_), '9' x $_, '1' . '0' x ($_ - 1)) } 15 .. 20);
answer('trades', '[' . join(',', map { qq({"price":$_,"size":"$_"}) } @numbers) . ']');
is_deeply(texts("SELECT raw->>'price', price, size FROM btse_trades('BTC-USD') WHERE numeric_send(price) IS DISTINCT FROM numeric_send((raw->>'price')::numeric) OR numeric_send(size) IS DISTINCT FROM numeric_send(price)"),
	[], 'numbers of every spelling are those that numeric reads');
answer('trades', '[' . join(',', map { qq({"price":$_,"size":"$_"}) } @numbers) . ']');
is_deeply(texts("SELECT count(price), count(size) FROM btse_trades('BTC-USD')"),
	[ @numbers . '|' . @numbers ], '... and all are read');

foreach my $type (qw(object array string number bool null))
{
	$test->reset;
	$test->seed('btse', 'o-1');
	$sandbox->arm('wrong_types', provider => 'btse', operation => 'open_orders',
		type => $type);
	is_deeply(texts("SELECT count(*), count(event_time), count(raw) FROM btse_open_orders()"),
		[ $type eq 'number' ? '1|1|1' : '1|0|1' ], "all fields are of type $type");
}

answer('ohlcv', '[[1624987380,"36477",null,{},true],[]]');
is_deeply(texts("SELECT extract(epoch FROM open_time)::bigint, open, high, low, close, volume, raw FROM btse_ohlcv('BTC-USD', 1)"),
	[ '1624987380|36477|||||[1624987380,"36477",null,{},true]', '||||||[]' ],
	'a candle with less than it should have');
answer('ohlcv', '[[1624987380000,1,1,1,1,1],[1.62498732E9,1,1,1,1,1]]');
is_deeply(texts("SELECT extract(epoch FROM open_time)::bigint FROM btse_ohlcv('BTC-USD', 1, to_timestamp(1624987000), to_timestamp(1624988000))"),
	[ 1624987380, 1624987320 ], '... and times in milliseconds');
answer('orderbook', '{"buyQuote":null,"sellQuote":[{"price":1},{}],"symbol":7}');
is_deeply(texts("SELECT side, level, price, size, symbol, event_time FROM btse_orderbook('BTC-USD')"),
	[ 'sell|1|1||7|', 'sell|2|||7|' ], '... and such a book');
answer('orderbook', '{"symbol":"BTC-USD"}', times => 0);
is($session->error("SELECT FROM btse_orderbook('BTC-USD')"), '38000',
	'... but none without any levels');
$sandbox->disarm;
answer('get_order', '{"orderID":"o-1","status":-1,"side":"BUY","orderType":99999999999,"message":"?","symbol":"X"}');
is_deeply(texts("SELECT status, status_name, order_type, side FROM btse_order('o-1')"),
	['-1|TIMEOUT||BUY'], 'a code below 0, and one that is no int');
answer('trades', '[]');
is_deeply(texts("SELECT * FROM btse_trades('BTC-USD')"), [], 'nothing is no row');

# ----
# Orders that are not there
# ----

foreach my $how (qw(400 404 row))
{
	$test->reset;
	$sandbox->settings(btse_not_found => $how);
	is_deeply(texts("SELECT * FROM btse_order(client_order_id => 'nobodys')"),
		[], "no such order, as $how: no row");
}
foreach my $case ([ 200, 'null' ], [ 200, '{}' ], [ 200, '[]' ],
	[ 200, '[{"status":16,"orderID":"","symbol":""}]' ],
	[ 404, '{"message":"ORDER_NOTFOUND"}' ], [ 404, '{"error":"no such order"}' ],
	[ 400, '{"errorCode":400,"message":"BADREQUEST: order not found"}' ],
	[ 404, '{"code":16,"msg":"?"}' ])
{
	my ($status, $body) = @$case;

	$sandbox->arm('status', provider => 'btse', status => $status, body => $body);
	is_deeply(texts("SELECT * FROM btse_order('o-1')"), [], "no such order: $status $body");
}
foreach my $body ('<html>', '', '{}', '[]', 'null', '{"status":404,"error":"Not Found","path":"/x"}',
	'{"code":404,"msg":"?"}', '{"errorCode":404,"message":"?","status":404}',
	'{"message":"no such path: /api/v3.3/order"}',
	'{"message":"The requested URL of an order was not found"}')
{
	$sandbox->arm('status', provider => 'btse', status => 404, body => $body);
	is($session->error("SELECT * FROM btse_order('o-1')"), '02000',
		"... but not $body, which may be no API at all");
}

# A wrong address is one for every read, in whatever words its server says so.
$test->own_server('btse', 'btse_astray', query_rate_limit => 'off',
	base_url => $sandbox->base_url('btse') . '/elsewhere');
foreach my $call ("btse_order('o-1', server => 'btse_astray')",
	"btse_open_orders(server => 'btse_astray')", "btse_time('btse_astray')",
	"btse_trade_history('BTC-USD', server => 'btse_astray')")
{
	is($session->error("SELECT * FROM $call"), '02000', "a wrong address: $call");
}
# Returns of Wangdian, one number in a request.
$test->reset;
$sandbox->seed('wangdian', ids => ['CR1'],
	fields => { goods_count => '2.5000' });
$sandbox->seed('wangdian', ids => ['CR2'], status => 'filled');
$sandbox->seed('wangdian', ids => ['CR3'], status => 'approved',
	fields => { stockout_status => 1 });
$sandbox->seed('wangdian', ids => ['采购退货-1'], status => 'cancelled');
is_deeply(texts("SELECT return_no, pg_typeof(return_no), status, status_name, stockout_status, stockout_status_name,"
	  . " goods_count, goods_out_count, abs(extract(epoch FROM now() - created)) < 60, modified >= created,"
	  . " raw->>'return_no' = return_no FROM wangdian_returns('{CR3,CR1,CR9,采购退货-1,CR2,CR3}'::varchar[])"),
	[ 'CR3|character varying|40|audited|1|partly_out|2|0|t|t|t',
		'CR1|character varying|30|waiting|0|not_out|2.5000|0|t|t|t',
		'采购退货-1|character varying|10|cancelled|0|not_out|2|0|t|t|t',
		'CR2|character varying|60|done|2|out|2|2|t|t|t' ],
	'returns by their numbers') or diag($session->stderr);
is_deeply([ map { $_->{ids}[0] } @{ $sandbox->requests } ],
	[ 'CR3', 'CR1', 'CR9', '采购退货-1', 'CR2' ], '... one in a request, each once');
is_deeply([ grep { !$_->{signature_ok} || $_->{status} != 200 } @{ $sandbox->requests } ],
	[], '... all of them signed');
$sandbox->arm('set_fields', provider => 'wangdian',
	values => { stockout_status => 'x', status => 50, created => '2022-08-10 15:49:05', goods_count => undef });
is_deeply(texts("SELECT return_no, status, status_name, stockout_status, goods_count, created, raw->>'created' FROM wangdian_returns('{CR1}')"),
	['CR1|50|||||2022-08-10 15:49:05'], '... what is not of its type is NULL');
foreach my $form (qw(high low null words missing page_cut no_list))
{
	$sandbox->arm('wangdian_total', form => $form, times => 0);
	is($session->error("SELECT * FROM wangdian_returns('{CR1}')"), '38000',
		"... a page that is not all of it is an error: $form");
	$sandbox->disarm;
}
$sandbox->arm('extra_rows', provider => 'wangdian', ids => ['cr1'], place => 'start');
is_deeply(texts("SELECT return_no, raw->>'return_no' FROM wangdian_returns('{CR1}')"),
	['CR1|CR1'], '... a return of another number is no row');
like($session->stderr, qr/WARNING:  01000: server "wangdian" answered about 1 order that was not asked for/,
	'... but a warning');
$sandbox->arm('repeated_rows', provider => 'wangdian');
is_deeply(texts("SELECT return_no FROM wangdian_returns('{CR1}')"), [ 'CR1', 'CR1' ],
	'... and two of the same number are two rows');
is($session->error(q{SET TRANSACTION READ ONLY; SELECT * FROM wangdian_returns('{CR1}')}),
	'none', '... in a READ ONLY transaction');

$test->reset;
$test->seed('xt', 1, 3);
is_deeply(texts("SELECT order_id + 1, status_name FROM xt_orders('btc_usdt', '{3,2,1,3}'::bigint[])"),
	[ '4|open', '2|open' ], 'ids that are not known are left out');
$sandbox->arm('extra_rows', provider => 'xt', place => 'start');
is(scalar(@{ texts("SELECT * FROM xt_orders('btc_usdt', '{1,3}'::int[])") }), 2,
	'... and so are those that were not asked for');
like($session->stderr, qr/WARNING:  01000: server "xt" answered about 1 order that was not asked for/,
	'... with a warning');
foreach my $fault (qw(ids_as_strings reordered_rows))
{
	$sandbox->arm($fault, provider => 'xt');
	is_deeply([ sort @{ texts("SELECT order_id FROM xt_orders('btc_usdt', '{3,1}'::text[])") } ],
		[ 1, 3 ], "... whatever comes with $fault");
}

# ----
# Many ids, and pages
# ----

$test->reset;
$sandbox->seed('xt', market => 'btc_usdt', range => [ 1, 2500 ]);
is_deeply(texts("SELECT count(*), count(DISTINCT order_id), sum(order_id), pg_typeof(min(order_id)) FROM xt_orders('btc_usdt', ARRAY(SELECT generate_series(1, 250)))"),
	['250|250|31375|integer'], '250 ids');
is_deeply([ map { scalar @{ $_->{ids} } } @{ $sandbox->requests } ],
	[ 100, 100, 50 ], '... in three requests');
$test->reset;
$sandbox->seed('xt', market => 'btc_usdt', range => [ 1, 2500 ]);
is_deeply(texts("SELECT count(*), count(DISTINCT order_id), sum(order_id::int) FROM xt_open_orders('btc_usdt')"),
	['2500|2500|3126250'], '2500 open orders');
is_deeply([ map { /page=(\d+)/ } @{ queries() } ], [ 1 .. 4, 1 .. 3 ],
	'... on three pages, read until nothing is on one, and once more');

# ----
# Windows
# ----

$session->query("ALTER SERVER btse OPTIONS (ADD query_rate_limit 'off')");

# Trades of the account, by their ages in ms; ids are t0, t1, ...
sub put_fills
{
	my (@ages) = @_;
	my $n = 0;

	$test->reset;
	$sandbox->drop('btse', 'fills');
	$sandbox->put('btse', 'fills',
		map { { tradeId => 't' . $n++, symbol => 'BTC-USD',
				timestamp => $now_ms - $_ } } @ages);
	return;
}

sub fills
{
	my ($arguments) = @_;

	return join ' ',
	  @{ texts("SELECT trade_id FROM btse_trade_history('BTC-USD', $arguments)") };
}

my @ages = (0, 1, 6 * $DAY, 7 * $DAY, 7 * $DAY + 1, 14 * $DAY, 14 * $DAY + 1,
	20 * $DAY, 30 * $DAY);
put_fills(@ages);
is(fills('from_time => ' . timestamp($now_ms - 30 * $DAY)
		  . ', to_time => ' . timestamp($now_ms)),
	't0 t1 t2 t3 t4 t5 t6 t7 t8', '30 days of trades, in windows of seven');
foreach my $query (@{ queries() })
{
	my ($start, $end) = $query =~ /startTime=(\d+)&endTime=(\d+)/;
	ok($end - $start <= 7 * $DAY, '... none longer than that');
}
is(fills('from_time => ' . timestamp($now_ms - 14 * $DAY)
		  . ', to_time => ' . timestamp($now_ms - 1)),
	't1 t2 t3 t4 t5', '... both ends belong to it');
is(fills('from_time => ' . timestamp($now_ms - 30 * $DAY) . ', count => 4'),
	't0 t1 t2 t3', '... the newest so many');
is(fills('count => 2'), 't0 t1', 'a count alone');
is(fills('to_time => ' . timestamp($now_ms - 7 * $DAY - 1)), 't4 t5 t6',
	'an end alone is one request');
$test->reset;
put_fills(@ages);
is(fills('match_symbol => true'), 't0 t1 t2',
	'no time at all is one request');
is(scalar(@{ $sandbox->requests }), 1, '... one');
like(queries()->[0], qr/isMatchSymbol=true/, '... that says what it is given');

# A provider that tells only so many at once, many of them of one moment, in
# all the ways in which it may do so: all of them come, each once.
sub all_fills { return [ sort split ' ', fills("$_[0]") ]; }

my $SINCE = 'from_time => ' . timestamp($now_ms - 14 * $DAY);
my @of_three = map { 1000 * int($_ / 3) + 300 } 0 .. 24;
my $all_25 = [ sort map { "t$_" } 0 .. 24 ];

foreach my $most (1, 2, 3, 4, 5, 7, 24, 25, 26)
{
	put_fills(@of_three);
	$sandbox->settings(btse_default_count => $most);
	is_deeply(all_fills($SINCE), $all_25, "25 trades, $most at once");
}
$sandbox->settings(btse_default_count => 7);
is(fills($SINCE), join(' ', map { "t$_" }
			map { ($_ * 3 + 2, $_ * 3 + 1, $_ * 3) } 0 .. 7) . ' t24',
	'... the newest first');
is(scalar(split ' ', fills("$SINCE, count => 11")), 11, '... or so many');
foreach my $rows (qw(newest oldest newest_last))
{
	foreach my $times (qw(inclusive exclusive seconds))
	{
		foreach my $most (2, 5, 30)
		{
			put_fills(@of_three);
			$sandbox->settings(btse_default_count => $most,
				btse_rows => $rows, btse_times => $times);
			is_deeply(all_fills($SINCE), $all_25,
				"25 trades, $most at once, $rows, times are $times");
			is($session->stderr, '', '... and no doubt about that');
		}
	}
}
$sandbox->reset;

# ... of two windows which meet in a moment
put_fills((7 * $DAY) x 5, 7 * $DAY - 1, 7 * $DAY + 1);
foreach my $times (qw(inclusive exclusive))
{
	foreach my $most (2, 5, 7)
	{
		$sandbox->settings(btse_default_count => $most, btse_times => $times);
		is_deeply(all_fills("$SINCE, to_time => " . timestamp($now_ms)),
			[ sort map { "t$_" } 0 .. 6 ],
			"7 trades where windows meet, $most at once, times are $times");
	}
}
$sandbox->reset;

# ... and where that cannot be done, that is an error
put_fills((1000) x 51, 2000, 3000);
$sandbox->settings(btse_most_count => 50);
my $crowd = $session->query("SELECT FROM btse_trade_history('BTC-USD', $SINCE)");
is($crowd->{sqlstate}, '38000', 'more of one moment than can be told');
like($crowd->{stderr}, qr/btse_trade_history\(\): server "btse" gave answers that are not complete: it does not tell all records of one moment\n.*DETAIL:  GET \/api\/v3\.3\/user\/trade_history, in 1 attempt\.\n.*HINT:  Ask for another stretch of time, or for one order\./s,
	'... is said');
$sandbox->reset;
put_fills((1000) x 51);
$sandbox->settings(btse_most_count => 50);
is_deeply(texts("SELECT count(*) FROM btse_trade_history('BTC-USD', $SINCE)"), [50],
	'... or cannot be known');
like($session->stderr, qr/WARNING: .* may have more records than it told\nDETAIL:  More of one moment were asked for, and not told\./,
	'... and is a warning');
$sandbox->reset;
put_fills(1 .. 5);
$sandbox->settings(btse_times => 'ignored', btse_default_count => 3);
my $ignored = $session->query("SELECT FROM btse_trade_history('BTC-USD', $SINCE)");
is($ignored->{sqlstate}, '38000', 'times that are not kept to');
like($ignored->{stderr}, qr/it does not keep to the times that it was asked for/,
	'... are said');
$sandbox->reset;

# A window in which there is little does not make answers short in the next.
put_fills(7 * $DAY, map { 8 * $DAY + $_ } 1 .. 300);
is(texts("SELECT count(*) FROM btse_trade_history('BTC-USD', $SINCE)")->[0], 301,
	'301 trades, of which one comes first');
cmp_ok(scalar(@{ $sandbox->requests }), '<=', 5, '... in few requests');

# What is no id tells no record from others.
foreach my $type (qw(object array bool))
{
	put_fills(1 .. 5);
	$sandbox->arm('wrong_types', provider => 'btse', times => 0,
		operation => 'trade_history', which => 'all', fields => ['tradeId'], type => $type);
	is(texts("SELECT count(*) FROM btse_trade_history('BTC-USD', $SINCE)")->[0], 5,
		"5 trades whose id is of type $type");
}
put_fills(1 .. 3);
$sandbox->arm('wrong_types', provider => 'btse', times => 0,
	operation => 'trade_history', which => 'all', fields => ['timestamp'], type => 'number');
is(texts("SELECT count(*) FROM btse_trade_history('BTC-USD', $SINCE)")->[0], 0,
	'trades of another time are not what was asked for');
like($session->stderr, qr/WARNING: .* may have more records than it told\nDETAIL:  Records of other times than those asked for were left out\./,
	'... which is a warning');
$sandbox->disarm;

# Without an id the whole record tells it from others; without a time nothing
# older can be asked for.
put_fills(1 .. 4);
$sandbox->arm('null_fields', provider => 'btse', times => 0,
	operation => 'trade_history', which => 'all', fields => ['tradeId']);
is_deeply(texts("SELECT count(*) FROM btse_trade_history('BTC-USD', "
		  . timestamp($now_ms - $DAY) . ')'), [4], 'trades without tradeId come once');
put_fills(1 .. 4);
$sandbox->arm('null_fields', provider => 'btse', times => 0,
	operation => 'trade_history', which => 'all', fields => ['timestamp']);
is_deeply(texts("SELECT count(*) FROM btse_trade_history('BTC-USD', "
		  . timestamp($now_ms - $DAY) . ')'), [4],
	'trades without timestamp come once');
like($session->stderr, qr/WARNING:  01000: btse_trade_history\(\): server "btse" may have more records than it told\nDETAIL:  Its records have no time, so that older ones could not be asked for\./,
	'... with a warning');
is(scalar(@{ $sandbox->requests }), 1, '... in one request');
$sandbox->disarm;

# Public trades, of 70 days.
$test->reset;
$sandbox->put('btse', 'trades',
	map { { symbol => 'ETH-USD', serialId => $_,
			timestamp => $now_ms - (70 - $_) * $DAY } } 0 .. 70);
is_deeply(texts("SELECT count(*), count(DISTINCT serial_id), min(serial_id::int), bool_and(event_time <= " . timestamp($now_ms) . ") FROM btse_trades('ETH-USD', "
		  . timestamp($now_ms - 69 * $DAY) . ')'), ['70|70|1|t'],
	'70 days of public trades, in windows of 30');
is_deeply(texts("SELECT count(*) FROM btse_trades('ETH-USD')"), [3],
	'... of which three come by themselves');

# Candles, of a time in the middle of a minute: no two clocks matter.
my $half_past = $now_ms - $now_ms % 60_000 + 30_000;
$test->reset;
is_deeply(texts("SELECT count(*), count(DISTINCT open_time), bool_and(o < p OR p IS NULL) FROM (SELECT open_time, open_time, lag(open_time) OVER () FROM btse_ohlcv('BTC-USD', 1, "
		  . timestamp($half_past - 2 * $DAY) . ', ' . timestamp($half_past - $HOUR)
		  . ')) c (open_time, o, p)'), [ (2 * 1440 - 60) . '|' . (2 * 1440 - 60) . '|t' ],
	'two days of minutes, the newest first');
cmp_ok(scalar(@{ $sandbox->requests }), '>=', 10, '... in many requests');
foreach my $times (', NULL, ' . timestamp($half_past),
	', ' . timestamp($half_past - 10 * $HOUR) . ', ' . timestamp($half_past))
{
	my %told;

	foreach my $order (qw(newest oldest))
	{
		$sandbox->settings(btse_candles => $order);
		$told{$order} = texts("SELECT open_time, open FROM btse_ohlcv('BTC-USD', 1$times)");
	}
	is_deeply($told{oldest}, $told{newest},
		"candles$times come newest first whatever the provider's order");
	is_deeply($told{newest}, [ reverse sort @{ $told{newest} } ], '... they do');
}
$sandbox->reset;

# ----
# Who may, and where
# ----

$test->reset;
$test->seed('btse', 'o-1');
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE reader LOGIN;
GRANT USAGE ON FOREIGN SERVER btse TO reader;
GRANT EXECUTE ON FUNCTION btse_time(name), btse_open_orders(text, text, text, name), btse_price(text, name) TO reader;
CREATE FUNCTION lent() RETURNS SETOF btse_order LANGUAGE sql SECURITY DEFINER
	AS $$ SELECT * FROM btse_open_orders() $$;
SQL
my $reader = $test->session(user => 'reader');
is($reader->value('SELECT count(*) FROM btse_time()'), 1,
	'what is public needs no mapping');
is(scalar(grep { /^request-/ } map { keys %{ $_->{headers} } }
		  @{ $sandbox->requests }), 0, '... and tells nobody who asks');
is($reader->error('SELECT * FROM btse_open_orders()'), '42704',
	'... the rest does');
is($reader->value('SELECT count(*) FROM lent()'), 1,
	'... or somebody lends one');
is($reader->error("SELECT * FROM btse_trades('BTC-USD')"), '42501',
	'and each has to be granted');
is($session->query("BEGIN READ ONLY; SELECT count(*) FROM btse_open_orders(); COMMIT")->{lines}[0],
	1, 'a read only transaction may');
is_deeply(texts("SELECT o.id, s.status_name FROM (VALUES ('o-1'), ('x')) o (id) LEFT JOIN LATERAL btse_order(o.id) s ON true"),
	[ 'o-1|ORDER_INSERTED', 'x|' ], 'a join by order');

done_testing();
