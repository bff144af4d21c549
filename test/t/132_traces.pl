# What a rollback leaves in the server's log of acts whose ids stand for other
# orders, and that no transaction can be prepared which would leave nothing.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test qw(call_sql sql_text);

# Freed memory does not look as before, so that whoever looks there falls.
my $test = OrderGateway::Test->start(options => { rate_limit => 'off' },
	conf => 'max_prepared_transactions = 5', env => { MALLOC_PERTURB_ => 165 });
my $sandbox = $test->sandbox;
my $session = $test->session;

# The lines that a statement leaves, without what comes before "had sent".
sub lines_of
{
	my ($sql) = @_;
	my $start = $test->log_end;

	$session->query($sql);
	return join "\n", $test->log_from($start) =~
	  /LOG:  order_gateway: rolled back after \S+ on server "\w+" had sent (.*)/g;
}

# The ids of a list, sorted: they come in the provider's order.
sub sorted
{
	my ($line) = @_;

	return $line =~ s/(: )([^()]+)\)/$1 . join(', ', sort split m{, }, $2) . ')'/ger;
}

sub rolled_back { return lines_of("BEGIN; SELECT FROM $_[0]; ROLLBACK"); }

my $OCO = q{btse_create_order('BTC-USD', 'BUY', 'OCO', 1, 24000, stop_price => 40010,
	trigger_price => 40000, client_order_id => 'mine')};

sub orders { return map { $_->{id} } @{ $sandbox->orders(provider => 'btse') }; }

# ----
# The ids that the provider named
# ----

$test->seed('btse', map { "o$_" } 1 .. 5);
is(sorted(rolled_back(q{btse_cancel_all('BTC-USD')})),
	'batch 1: 5 cancelled (BTC-USD: o1, o2, o3, o4, o5)', 'cancel all');
$test->reset;
is(rolled_back(q{btse_cancel_all('BTC-USD')}), 'batch 1: 1 accepted (BTC-USD)',
	'... of nothing');
$test->seed('btse', map { "o$_" } 1 .. 3);
$sandbox->arm('close_after', provider => 'btse');
is(rolled_back(q{btse_cancel_all('BTC-USD')}), 'batch 1: 1 unknown (BTC-USD)',
	'... without an answer');
$test->reset;
$sandbox->arm('status', provider => 'btse', status => 200, body => '['
	  . join(',', map { qq({"orderID":"$_->[0]","symbol":"BTC-USD","status":$_->[1]}) }
		[ 'o1', 6 ], [ 'o2', 4 ], [ 'o3', 6 ], [ 'o4', 2 ]) . ']');
is(rolled_back(q{btse_cancel_all('BTC-USD')}),
	'batch 1: 2 cancelled (BTC-USD: o1, o3), 1 not_cancellable (BTC-USD: o2), 1 unknown (BTC-USD: o4)',
	'... with several outcomes');

$test->reset;
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 'o1', 'o2', 'o3' ],
	client_order_id => 'mine');
is(sorted(rolled_back(call_sql('btse', ['mine'], by => 'client_order_id'))),
	'batch 1: 3 cancelled (mine: o1, o2, o3)', 'a shared client order id');
$test->reset;
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 'o1', 'o2' ], group => 'g');
is(rolled_back(call_sql('btse', ['o2'])), 'batch 1: 2 cancelled (o2: o2, o1)',
	'a leg, and the other one');
$test->reset;
$test->seed('btse', 1 .. 3);
is(join(' ', sort split /\n/, rolled_back(call_sql('btse', [ 1, 2, 3 ]))),
	'batch 1: 1 cancelled (1) batch 2: 1 cancelled (2) batch 3: 1 cancelled (3)',
	'orders by their own ids are named once');

$test->reset;
my $line = sorted(rolled_back($OCO));
my $legs = join ', ', sort +orders();
is($line, "batch 1: 2 accepted (mine: $legs)", 'both legs of a new OCO order');
$test->reset;
$sandbox->arm('missing_rows', provider => 'btse');
like(rolled_back($OCO), qr/^batch 1: 1 accepted \(mine: \S{36}\), 1 unknown \(mine\)$/,
	'... or one, and one of which nobody knows');
$test->reset;
$line = rolled_back(q{btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 34000)});
my ($order) = @{ $sandbox->orders(provider => 'btse') };
is($line, "batch 1: 1 accepted ($order->{client_order_id}: $order->{id})",
	'a new order without an id, by the one that was made and its own');
is(rolled_back(qq{btse_amend_order('BTC-USD', '$order->{id}', price => 33000)}),
	"batch 1: 1 accepted ($order->{id})", 'an amendment by the order id');
is(rolled_back(qq{btse_amend_order('BTC-USD',
		client_order_id => '$order->{client_order_id}', price => 33000)}),
	"batch 1: 1 accepted ($order->{client_order_id}: $order->{id})",
	'... and by that of the client');
is(rolled_back(q{btse_cancel_all_after('1 h')}), 'batch 1: 1 accepted (3600000)',
	'a timer');
$test->reset;
$line = rolled_back('btse_create_orders((SELECT jsonb_agg(jsonb_build_object('
	  . q{'symbol', 'BTC-USD', 'side', 'BUY', 'type', 'LIMIT', 'size', 1,}
	  . q{'price', 34000, 'client_order_id', 'n' || n)) FROM generate_series(1, 100) n))});
is_deeply([ sort $line =~ /\((n\d+: \S+)\)/g ],
	[ sort map { "$_->{client_order_id}: $_->{id}" }
		  @{ $sandbox->orders(provider => 'btse') } ],
	'many new orders');

# The same of a call that is stopped: what was answered by then has its names.
$test->reset;
my $other = $test->session;
$sandbox->arm('black_hole', provider => 'btse', match_id => 'n9');
my $log = $test->log_end;
$session->send('SELECT FROM btse_create_orders((SELECT jsonb_agg(jsonb_build_object('
	  . q{'symbol', 'BTC-USD', 'side', 'BUY', 'type', 'LIMIT', 'size', 1,}
	  . q{'price', 34000, 'client_order_id', 'n' || n)) FROM generate_series(1, 9) n))});
ok($sandbox->wait_for(fault => 'black_hole'), 'a call that is held up');
$other->query('SELECT pg_cancel_backend(' . $session->pid . ')');
is($session->finish->{sqlstate}, '57014', '... is stopped');
$line = $test->log_from($log);
like($line, qr/had sent batch 9: 1 unknown \(n9\)$/m, '... the log has the one without an answer');
my %id = map { $_->{client_order_id} => $_->{id} } @{ $sandbox->orders(provider => 'btse') };
my %named = $line =~ /accepted \((n\d+): (\S+)\)$/mg;
is_deeply(\%named, { map { $_ => $id{$_} } keys %named }, '... and the others with their own ids');
$sandbox->disarm;

# Memory goes from the inside out, also that of more batches than PostgreSQL keeps
# the contexts of for those to come.
$test->reset;
$test->servers('wide', providers => ['btse'], max_in_flight => 64);
$test->seed('btse', 1 .. 300);
$sandbox->arm('black_hole', provider => 'btse', times => 0);
$session->query('SELECT order_gateway_stats_reset()');
$log = $test->log_end;
$session->send('SELECT FROM ' . call_sql('btse', [ 1 .. 300 ], server => 'btse_wide'));
ok($sandbox->wait_for(fault => 'black_hole'), 'some of many batches are under way');
$other->query('SELECT pg_cancel_backend(' . $session->pid . ')');
is($session->finish->{sqlstate}, '57014', '... when their call is stopped');
my $lines = () = $test->log_from($log) =~ /had sent batch \d+: 1 unknown/g;
cmp_ok($lines, '>', 0, '... the log has them');
is($session->value(q{SELECT unknown || ' ' || not_sent FROM order_gateway_stats}),
	$lines . ' ' . (300 - $lines), '... and so do the statistics');
$sandbox->disarm;

# Too frequent at first: only what came of it in the end.
$test->reset;
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 'o1', 'o2' ],
	client_order_id => 'mine');
$sandbox->arm('verdict', provider => 'btse', code => 303);
is(sorted(rolled_back(call_sql('btse', ['mine'], by => 'client_order_id'))),
	'batch 1: 2 cancelled (mine: o1, o2)', 'too frequent, and then done');

# A subtransaction, and one that the transaction around it takes over.
$test->reset;
$test->seed('btse', 'o1');
is(lines_of(q{BEGIN; SAVEPOINT a; SAVEPOINT b; SELECT FROM btse_cancel_all('BTC-USD');
	RELEASE b; ROLLBACK TO a; COMMIT}),
	'batch 1: 1 cancelled (BTC-USD: o1)', 'a subtransaction');

# Several, nested and one after the other: each has what was called in it.
$test->reset;
$test->seed('btse', map { "o$_" } 1 .. 7);
my @cancel = map { 'SELECT FROM ' . call_sql('btse', ["o$_"]) } 0 .. 7;
is(lines_of(join '; ', 'BEGIN', $cancel[1], 'SAVEPOINT a', $cancel[2],
		'SAVEPOINT b', $cancel[3], 'RELEASE b', 'SAVEPOINT c', $cancel[4],
		'ROLLBACK TO c', $cancel[5], 'RELEASE a', 'SAVEPOINT d', 'SAVEPOINT e',
		$cancel[6], 'RELEASE d', $cancel[7], 'ROLLBACK'),
	join("\n", map { "batch 1: 1 cancelled (o$_)" } 4, 1, 2, 3, 5, 6, 7),
	'several subtransactions');

# As many as one answer may name, all of them with their names.
$test->reset;
my $MANY = 10_000;
my @ids = map { sprintf '00000000-0000-0000-0000-%012d', $_ } 1 .. $MANY;
$sandbox->arm('status', provider => 'btse', status => 200, body => '['
	  . join(',', map { qq({"orderID":"$_","symbol":"BTC-USD","status":6}) } @ids)
	  . ']');
is(rolled_back(q{btse_cancel_all('BTC-USD')}),
	"batch 1: $MANY cancelled (BTC-USD: " . join(', ', @ids) . ')',
	'every one of 10,000');
# ... but no line without an end.
$test->reset;
@ids = map { ('x' x 490) . sprintf '%05d', $_ } 1 .. 3000;
$sandbox->arm('status', provider => 'btse', status => 200, body => '['
	  . join(',', map { qq({"orderID":"$_","symbol":"BTC-USD","status":6}) } @ids)
	  . ']');
$line = rolled_back(q{btse_cancel_all('BTC-USD')});
like($line, qr/^batch 1: 3000 cancelled \(BTC-USD: x{490}00001, .* and (\d+) more\)$/,
	'names without end are cut short');
my ($more) = $line =~ / and (\d+) more/;
is(scalar(() = $line =~ /x{490}\d{5}\b/g) + $more, 3000, '... and the rest is counted');
cmp_ok(length $line, '<', 700_000, '... so that the line is no longer than that');

# The ids of a large call, whose memory the trace takes over.
my @long = map { sprintf 'CR%0100d', $_ } 1 .. 1000;

sub long_ids
{
	return q{wangdian_cancel(ARRAY(SELECT 'CR' || lpad(n::text, 100, '0')}
	  . " FROM generate_series(1, $_[0]) n))";
}

sub long_lines
{
	return map { "batch $_: 20 cancelled (" . join(', ', @long[20 * $_ - 20 .. 20 * $_ - 1]) . ')' }
	  1 .. 50;
}

foreach my $case (
	[ 'BEGIN; SELECT FROM %s; ROLLBACK', 'a thousand long ids' ],
	[ 'BEGIN; SAVEPOINT a; SELECT FROM %s; ROLLBACK TO a; COMMIT', '... in a subtransaction' ],
	[ 'BEGIN; SAVEPOINT a; SELECT FROM %s; RELEASE a; ROLLBACK', '... that was released' ])
{
	$test->reset;
	$test->seed('wangdian', @long);
	is(lines_of(sprintf $case->[0], long_ids(1000)), join("\n", long_lines()), $case->[1]);
}
$test->reset;
$test->seed('wangdian', @long);
is(lines_of('SELECT FROM ' . long_ids(1000)), '', '... and none of a commit');

# They are there once while it runs: 2 MB beside the memory of its transaction.
$test->reset;
$sandbox->arm('black_hole', provider => 'wangdian', times => 0);
$session->send('SELECT FROM ' . long_ids(20_000));
ok($sandbox->wait_for(fault => 'black_hole'), 'a large call is under way');
my $size = $test->context_size($session, 'TopTransactionContext');
ok(defined $size && $size < 1_000_000, '... its transaction has no copy of its ids');
$other->query('SELECT pg_cancel_backend(' . $session->pid . ')');
is($session->finish->{sqlstate}, '57014', '... and it is stopped');
$sandbox->disarm;
$other->quit;

# What an id says cannot be taken for another line.
$test->reset;
$sandbox->arm('status', provider => 'btse', status => 200,
	body => '[{"orderID":"o1\\nLOG:  order_gateway: forged","symbol":"BTC-USD","status":6}]');
is(rolled_back(q{btse_cancel_all('BTC-USD')}),
	'batch 1: 1 cancelled (BTC-USD: o1\\nLOG:  order_gateway: forged)',
	'a line feed stays an escape');

# ----
# PREPARE TRANSACTION
# ----

# The SQLSTATE of preparing a transaction, and what the log says.
sub prepared
{
	my ($sql) = @_;
	my $start = $test->log_end;
	my $state = $session->error("BEGIN; $sql; PREPARE TRANSACTION 'p'");

	$session->query($state eq 'none' ? q{ROLLBACK PREPARED 'p'} : 'ROLLBACK');
	return $state . ' '
	  . scalar(() = $test->log_from($start) =~ /order_gateway: rolled back after/g);
}

$session->query('CREATE TABLE cancel_log (order_id text, outcome order_outcome)');
$test->servers('dead', kind => 'refused', retries => 0, providers => ['xt']);
foreach my $case (
	[ 'a cancel', '0A000 1',
		'INSERT INTO cancel_log SELECT order_id, outcome FROM ' . call_sql('xt', [1]) ],
	[ 'another act', '0A000 1', q{SELECT FROM btse_cancel_all('BTC-USD')} ],
	[ 'an act of nothing that could be sent', '0A000 0',
		'SELECT FROM ' . call_sql('xt', [1], server => 'xt_dead') ],
	[ 'an act in a DO block', '0A000 1',
		'DO $$ BEGIN PERFORM FROM ' . call_sql('xt', [1]) . '; END $$' ],
	[ 'an act that was rolled back', '0A000 1',
		'SAVEPOINT s; SELECT FROM ' . call_sql('xt', [1]) . '; ROLLBACK TO s' ],
	[ 'an act that an exception rolled back', '0A000 1',
		'DO $$ BEGIN PERFORM 1 / (ordinal - 1) FROM ' . call_sql('xt', [1])
		  . '; EXCEPTION WHEN division_by_zero THEN NULL; END $$' ],
	[ 'a cursor that was read', '0A000 1',
		'DECLARE c CURSOR FOR SELECT FROM ' . call_sql('xt', [1]) . '; FETCH c' ],
	[ 'a cursor that was not', 'none 0',
		'DECLARE c CURSOR FOR SELECT FROM ' . call_sql('xt', [1]) ],
	[ 'a cursor WITH HOLD', '0A000 0',
		'DECLARE c CURSOR WITH HOLD FOR SELECT FROM ' . call_sql('xt', [1]) ],
	[ 'no ids', 'none 0', q{SELECT FROM batch_cancel('btc_usdt', '{}')} ],
	[ 'a read', 'none 0', q{SELECT FROM xt_open_orders('btc_usdt')} ],
	[ 'a public read', 'none 0', q{SELECT FROM btse_price('BTC-USD')} ],
	[ 'previews', 'none 0', q{SELECT FROM batch_cancel_preview('btc_usdt', '{1}');
		SELECT FROM btse_cancel_all_preview('BTC-USD')} ],
	[ 'a check', 'none 0', q{SELECT FROM order_gateway_check('xt')} ],
	[ 'nothing of ours', 'none 0', 'INSERT INTO cancel_log VALUES (1)' ])
{
	my ($name, $expected, $sql) = @$case;

	$test->reset;
	$sandbox->seed('xt', market => 'btc_usdt', ids => [1]);
	is(prepared($sql), $expected, "PREPARE TRANSACTION after $name");
}

$test->reset;
$sandbox->seed('xt', market => 'btc_usdt', ids => [1]);
my $result = $session->query('BEGIN; SELECT FROM ' . call_sql('xt', [1])
	  . q{; PREPARE TRANSACTION 'p'});
like($result->{stderr},
	qr/ERROR:  0A000: cannot PREPARE a transaction that has called a function which changes orders.*DETAIL:.*HINT:/s,
	'it says why, and what to do');
$result = $session->query('ROLLBACK; BEGIN; SELECT FROM ' . call_sql('xt', [1])
	  . q{; COMMIT; BEGIN; PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'});
is($result->{sqlstate}, undef, 'the next transaction is another one');
is($session->error('BEGIN; SELECT FROM ' . call_sql('xt', [1])
	  . q{; ROLLBACK; BEGIN; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'}),
	'none', '... also after a rollback');

# A trigger that waits for the end calls as late as can be.
$session->query('CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
	  . 'PERFORM FROM ' . call_sql('xt', [1]) . '; RETURN NULL; END $$;'
	  . 'CREATE CONSTRAINT TRIGGER late AFTER INSERT ON cancel_log DEFERRABLE'
	  . ' INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()');
is(prepared('INSERT INTO cancel_log VALUES (2)'), '0A000 1',
	'an act of a deferred trigger');
is($session->value('SELECT count(*) FROM pg_prepared_xacts'), 0,
	'nothing stays prepared');

$session->quit;
done_testing();
