# Reads that fail: each failure has its SQLSTATE, the provider's words, what was
# asked and what to do; what may pass is tried again, and what stays is not.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes ();

use OrderGateway::Test qw(sql_text);

# Calls as [provider, operation of the sandbox, call up to the server].
my %CALLS = (
	btse_market_summary => [ 'btse', 'market_summary', "NULL" ],
	btse_ohlcv => [ 'btse', 'ohlcv', "'BTC-USD', 60, NULL, NULL" ],
	btse_price => [ 'btse', 'price', "NULL" ],
	btse_orderbook => [ 'btse', 'orderbook', "'BTC-USD', 0, 2, 2" ],
	btse_orderbook_l2 => [ 'btse', 'orderbook_l2', "'BTC-USD', 3" ],
	btse_trades => [ 'btse', 'trades', "'BTC-USD', NULL, NULL, 5" ],
	btse_time => [ 'btse', 'time', '' ],
	btse_order => [ 'btse', 'get_order', "'o-1', NULL" ],
	btse_open_orders => [ 'btse', 'open_orders', "NULL, NULL, NULL" ],
	btse_trade_history =>
	  [ 'btse', 'trade_history', "'BTC-USD', NULL, NULL, 5, NULL, NULL, true" ],
	btse_fees => [ 'btse', 'fees', "NULL" ],
	btse_invest_products => [ 'btse', 'invest_products', '' ],
	btse_invest_orders => [ 'btse', 'invest_orders', '' ],
	btse_invest_history => [ 'btse', 'invest_history', '' ],
	xt_open_orders => [ 'xt', 'get_open_orders', "'btc_usdt'" ],
	xt_order => [ 'xt', 'get_order', "'btc_usdt', '1'" ],
	xt_orders => [ 'xt', 'get_batch_orders', "'btc_usdt', '{1,2}'::int[]" ],
	tronsave_orders => [ 'tronsave', 'tracking', "'{a,b}'::text[]" ],
	wangdian_returns => [ 'wangdian', 'query', "'{CR1}'::text[]" ],
);

# What a status that has no words of the API is.
my %STATUS = (
	400 => '22023',
	401 => '28000',
	403 => '28000',
	404 => '02000',
	405 => '38000',
	408 => '08006',
	418 => '38000',
	429 => '53400',
	500 => '08006',
	502 => '08006',
	503 => '08006',
	504 => '08006',
	307 => '38000',
);

my $test = OrderGateway::Test->start(
	conf => "shared_preload_libraries = 'order_gateway'");
my ($sandbox, $node, $session) = ($test->sandbox, $test->node, $test->session);

my %OFF = (query_rate_limit => 'off');
my @providers = qw(xt tronsave btse wangdian);

$test->servers('once', providers => \@providers, %OFF, retries => 0);
$test->servers('again', providers => \@providers, %OFF, retries => 2);

# ----
# Words
# ----

sub fresh
{
	$test->reset;
	$test->seed('btse', 'o-1', 'o-2');
	$test->seed('xt', 1, 2);
	$test->seed('tronsave', 'a', 'b');
	$test->seed('wangdian', 'CR1');
	return;
}

sub call_of
{
	my ($function, $suffix) = @_;
	my ($provider, undef, $arguments) = @{ $CALLS{$function} };

	return "$function(" . join(', ', grep { length } $arguments,
		sql_text("${provider}_$suffix")) . ')';
}

# Arm a fault for a function's operation.
sub arm
{
	my ($function, $fault, %more) = @_;
	my ($provider, $operation) = @{ $CALLS{$function} };

	return $sandbox->arm($fault, provider => $provider,
		operation => $operation, %more);
}

sub rows
{
	my ($function, $suffix) = @_;
	my $result =
	  $session->query('SELECT count(*) FROM ' . call_of($function, $suffix));

	return $result->{sqlstate} // $result->{lines}[0];
}

sub arrived { return scalar @{ $sandbox->requests }; }

# A call fails like this.
sub fails
{
	my ($function, $suffix, $sqlstate, $words, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $result = $session->query('SELECT * FROM ' . call_of($function, $suffix));

	is($result->{sqlstate} // 'none', $sqlstate, $name)
	  or diag($result->{stderr});
	like($result->{stderr}, $words, '... in these words');
	return $result->{stderr};
}

# ----
# Every status, of every function
# ----

foreach my $function (sort keys %CALLS)
{
	my ($provider) = @{ $CALLS{$function} };
	my @wrong;

	fresh();
	cmp_ok(rows($function, 'once'), '>=', 0, "$function() answers");
	foreach my $status (sort keys %STATUS)
	{
		my $result;

		fresh();
		arm($function, 'status', status => $status, body => '<html>no</html>');
		$result = $session->query('SELECT * FROM ' . call_of($function, 'once'));
		push @wrong, "$status: $result->{stderr}"
		  if ($result->{sqlstate} // '') ne $STATUS{$status}
		  || $result->{stderr} !~ /ERROR:  \w+: \Q$function\E\(\): server "${provider}_once" .*\bHTTP $status\b/
		  || $result->{stderr} !~ /DETAIL:  HTTP $status .*to (?:GET|POST) (?:\/|https:)[^? ]+, in 1 attempt\.\nHINT:  \w/
		  || arrived() != 1;
	}
	is_deeply(\@wrong, [], '... and fails with each status');
}

# The API's own words, and a status that contradicts a good answer.
fresh();
$session->query('SELECT 1');
arm('btse_price', 'status', status => 400,
	body => { errorCode => 302, message => 'BADREQUEST: price', status => 400 });
fails('btse_price', 'once', '22023',
	qr/server "btse_once" refused: code 302, BADREQUEST: price\nDETAIL:  HTTP 400 Bad Request to GET \/api\/v3\.3\/price, in 1 attempt\.\nHINT:  Check the arguments/,
	"the provider's own words");
arm('btse_open_orders', 'status', status => 200,
	body => { errorCode => 401, message => 'UNAUTHORIZED', status => 401 });
fails('btse_open_orders', 'once', '28000', qr/refused: code 401, UNAUTHORIZED/,
	'... count also under another status');
arm('btse_order', 'status', status => 404, body => '<html>no</html>');
fails('btse_order', 'once', '02000', qr/refused: HTTP 404 Not Found/,
	'an order is not called unknown by anybody but the API');
arm('btse_order', 'status', status => 500,
	body => { errorCode => 16, message => 'x', status => 500 });
fails('btse_order', 'once', '08006', qr/failed: code 16, x/,
	'... nor when that fails');
arm('btse_trades', 'contradicting_status', status => 500);
fails('btse_trades', 'once', '08006', qr/failed: HTTP 500/,
	'rows under an error are none');
arm('xt_open_orders', 'contradicting_status', status => 202);
is(rows('xt_open_orders', 'once'), 2, 'another success is one');
foreach my $case ([ 307, '28000' ], [ 308, '28000' ], [ 400, '22023' ],
	[ 404, '02000' ], [ 107, '38000' ], [ 999, '38000' ])
{
	my ($code, $sqlstate) = @$case;

	arm('xt_open_orders', 'status', status => 200,
		body => { code => $code, info => 'in their words', data => undef });
	fails('xt_open_orders', 'once', $sqlstate, qr/code $code, in their words/,
		"xt: code $code");
}
arm('tronsave_orders', 'status', status => 401,
	body => { message => 'TSAS:107 INVALID_API_KEY', error => 'Unauthorized' });
fails('tronsave_orders', 'once', '28000', qr/refused: TSAS:107 INVALID_API_KEY/,
	'tronsave: a wrong key');
foreach my $case ([ '签名错误', '28000', 'a wrong signature' ], [ '接口不存在', '38000', 'no such method' ])
{
	my ($words, $sqlstate, $name) = @$case;

	arm('wangdian_returns', 'status', status => 200,
		body => { status => 100, message => $words });
	fails('wangdian_returns', 'once', $sqlstate, qr/code 100, $words/,
		"wangdian: $name");
}
arm('wangdian_returns', 'status', status => 200,
	body => { status => 100, message => '采购退货单号不存在' });
is(rows('wangdian_returns', 'once'), 0, 'wangdian: no such return is no row');
arm('btse_fees', 'redirect', location => 'https://elsewhere.example/x?secret=1');
unlike(fails('btse_fees', 'once', '38000',
		qr{redirect to https://elsewhere\.example/x was not followed},
		'a redirect is not followed'), qr/secret=/, '... nor told in full');

# ----
# Answers that make no sense
# ----

foreach my $fault (qw(not_json html truncated_json byte_order_mark invalid_utf8
	deep_nesting empty swapped_top))
{
	my %own = $fault eq 'invalid_utf8' ? (where => 'top') : ();

	foreach my $function (qw(btse_open_orders btse_orderbook xt_orders
		tronsave_orders wangdian_returns))
	{
		fresh();
		arm($function, $fault, %own);
		fails($function, 'once', '38000',
			qr/gave an answer that cannot be used: it [a-z]/,
			"$function(): $fault");
	}
}
foreach my $body ('[1]', '[[]]', 'null', '"x"', '{}', '7', '[{},null]',
	'{"message":"?"}')
{
	fresh();
	arm('btse_open_orders', 'status', status => 200, body => $body);
	fails('btse_open_orders', 'once', '38000', qr/cannot be used: it (?:has|is)/,
		"an answer of $body");
}
fresh();
arm('btse_trades', 'status', status => 200, body => '[{},1]', times => 0);
fails('btse_trades', 'again', '38000', qr/in 1 attempt\./,
	'no rows are handed on twice');

# ----
# Asked again
# ----

my @PASSING = qw(close_before close_after reset_after half_answer not_json
  http_500 http_502 http_408);
my %THOROUGHLY = map { $_ => 1 } qw(btse_open_orders btse_price xt_orders);

foreach my $function (sort keys %CALLS)
{
	my @wrong;

	foreach my $fault ($THOROUGHLY{$function} ? @PASSING : 'close_after')
	{
		my $got;

		fresh();
		arm($function, $fault);
		$got = rows($function, 'again');
		push @wrong, "$fault: $got after " . arrived()
		  if $got !~ /^\d{1,3}$/ || arrived() != 2;
	}
	is_deeply(\@wrong, [], "$function() asks again");
}
fresh();
arm('btse_open_orders', 'close_after', times => 3);
like(fails('btse_open_orders', 'again', '08006', qr/gave no whole answer: /,
		'not for ever'), qr/in 3 attempts\.\nHINT:  A read changes nothing/,
	'... but as often as option retries says');
foreach my $status (400, 401, 404)
{
	fresh();
	arm('btse_open_orders', 'status', status => $status);
	rows('btse_open_orders', 'again');
	is(arrived(), 1, "a refusal ($status) stays");
}

$node->safe_psql('postgres', $sandbox->server_sql('btse', name => 'btse_nowhere',
		kind => 'refused', retries => 1)
	  . $sandbox->server_sql('btse', name => 'btse_foreign', kind => 'foreign',
		retries => 1));
fails('btse_time', 'nowhere', '08001',
	qr/could not be reached: could not connect .*in 2 attempts\.\nHINT:  order_gateway_check/s,
	'nobody there');
fails('btse_time', 'foreign', '08001', qr/in 1 attempt\./,
	'a certificate that is no good stays so');

# ----
# Too frequent
# ----

fresh();
arm('btse_price', 'retry_after', seconds => 1);
my $begin = Time::HiRes::time();
is(rows('btse_price', 'again'), 3, 'too frequent: asked again');
cmp_ok(Time::HiRes::time() - $begin, '>=', 1, '... when the provider says');
fresh();
arm('btse_price', 'retry_after', seconds => 1, times => 3);
fails('btse_price', 'again', '53400', qr/refused: .*in 3 attempts\./s,
	'... but not for ever');

# A lane that is held back keeps others from asking, too.
$test->own_server('btse', 'btse_held', %OFF, retries => 0, max_wait => '100ms');
fresh();
$sandbox->arm('retry_after', provider => 'btse', seconds => 30,
	operation => 'open_orders');
is($session->error("SELECT * FROM btse_open_orders(server => 'btse_held')"),
	'53400', 'too frequent, without retries');
my $held = $session->query("SELECT * FROM btse_fees(server => 'btse_held')");
is($held->{sqlstate}, '53400', '... holds the account back');
like($held->{stderr}, qr/could not be asked within max_wait: the pace leaves no turn/,
	'... for longer than max_wait');
is(arrived(), 1, '... without another request');
is(rows('btse_price', 'again'), 3, '... but not what is public');

# The pace: at most so many in a second, and public ones by their own.
$test->own_server('btse', 'btse_slow', query_rate_limit => '2/400ms');
fresh();
$begin = Time::HiRes::time();
is($session->error("DO \$\$ BEGIN FOR i IN 1..5 LOOP PERFORM * FROM btse_price(server => 'btse_slow'); END LOOP; END \$\$"),
	'none', 'five reads at two in 400 ms');
cmp_ok(Time::HiRes::time() - $begin, '>=', 0.8, '... take 800 ms');

# ----
# Time runs out
# ----

$test->own_server('btse', 'btse_short', %OFF, call_timeout => '300ms');
$test->own_server('btse', 'btse_quick', %OFF, timeout => '200ms', retries => 1);
fresh();
arm('btse_price', 'black_hole', times => 0);
is($session->error("SELECT * FROM btse_price(server => 'btse_short')"), '57014',
	'call_timeout');
my $slow = $session->query("SELECT * FROM btse_price(server => 'btse_quick')");
is($slow->{sqlstate}, '08006', 'timeout of a request');
like($slow->{stderr}, qr/in 2 attempts\./, '... asked again');
$begin = Time::HiRes::time();
is($session->error("SET statement_timeout = '200ms'; SELECT * FROM btse_price(server => 'btse_again')"),
	'57014', 'statement_timeout');
cmp_ok(Time::HiRes::time() - $begin, '<', 5, '... ends the wait');
$session->query('RESET statement_timeout');
$sandbox->disarm;

fresh();
arm('btse_price', 'black_hole');
$session->send("SELECT * FROM btse_price(server => 'btse_again')");
ok($sandbox->wait_for(fault => 'black_hole'), 'a read waits for its answer');
is($node->safe_psql('postgres', "SELECT function, ids, requests_sent, requests_in_flight, waiting_for FROM order_gateway_activity"),
	'btse_price|0|1|1|answer', '... as others can see');
$node->safe_psql('postgres', 'SELECT pg_cancel_backend(' . $session->pid . ')');
is($session->finish->{sqlstate}, '57014', '... and is cancelled');
$sandbox->disarm;
fresh();
is(rows('btse_price', 'again'), 3, '... after which the session goes on');
is($session->query("BEGIN; SAVEPOINT s; SELECT * FROM btse_fees('NO-NO', server => 'btse_again'); ROLLBACK TO s; SELECT count(*) FROM btse_fees(server => 'btse_again'); COMMIT")->{lines}[-1],
	3, '... and a transaction after an error');

is($node->safe_psql('postgres', "SELECT count(*) FROM order_gateway_activity"),
	0, 'no read is left over');
$session->query('SELECT order_gateway_stats_reset()');
fresh();
arm('btse_price', 'close_after');
rows('btse_price', 'again');
$test->wait_until(
	sub
	{
		return $node->safe_psql('postgres',
			"SELECT calls, requests, retries, answers, bytes_received > 0 FROM order_gateway_stats WHERE function = 'btse_price'")
		  eq '1|2|1|1|t';
	},
	'a read is counted');

# ----
# What a key may, and the clock
# ----

$sandbox->add_account('btse', { api_key => 'reader', secret_key => 's' },
	trade => 0);
$node->safe_psql('postgres', $sandbox->server_sql('btse', name => 'btse_limited', %OFF)
	  . $sandbox->mapping_sql('btse', name => 'btse_limited',
		api_key => 'reader', secret_key => 's')
	  . $sandbox->server_sql('btse', name => 'btse_wrong', %OFF)
	  . $sandbox->mapping_sql('btse', name => 'btse_wrong', secret_key => 'not it'));
is(rows('btse_fees', 'limited'), 3, 'a key that may read');
fails('btse_open_orders', 'limited', '28000', qr/code 403.*\nHINT:  Check the user mapping/s,
	'... but not trade');
unlike(fails('btse_fees', 'wrong', '28000', qr/code 401/, 'a wrong secret'),
	qr/not it/, '... is not told');

done_testing();
