# What the documents say of submitted calls: the recipes with a gateway worker, and
# the statements of its chapter, run word by word against the sandbox.

use strict;
use warnings;
use utf8;

use List::Util qw(uniq);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Erp;

# ----
# A server as the documents set it up
# ----

my $share_dir = `pg_config --sharedir`;
chomp $share_dir;
my $has_cron = -e "$share_dir/extension/pg_cron.control";
my $erp = OrderGateway::Erp->start('submitted', recipes => [ $has_cron ? 'cron-conf' : 'worker-conf' ]);
my ($node, $sandbox, $documents) = ($erp->node, $erp->sandbox, $erp->documents);

sub recipe { return $documents->recipe(@_); }
sub sql { return $erp->sql(@_); }
sub sql_error { return $erp->sql_error(@_); }
sub start_sql { return $erp->start_sql(@_); }
sub finish_sql { return $erp->finish_sql(@_); }
sub stale_orders { return $erp->stale_orders(@_); }
sub orders_by_status { return $erp->orders_by_status; }

is(recipe('worker-conf'), recipe('first-conf'), 'README and chapter set it up alike');

$sandbox->install($node, database => 'erp', providers => [qw(xt btse)], extension => 1);
ok($node->poll_query_until('erp', q{SELECT pid IS NOT NULL FROM order_gateway_workers}), 'the worker runs');
like(sql(recipe('worker-runs')), qr/^erp\|\d+\|0\|0\|$/, '... as the documents ask for it');
$erp->run_recipes(qw(orders submitted submit-stale take-over take-settled));

# All that was submitted is done.
sub wait_done
{
	ok($node->poll_query_until('erp', 'SELECT count(*) = 0 FROM order_gateway_calls WHERE done_at IS NULL'),
		$_[0] // 'the worker makes the calls');
}

# Requests that cancel, as arrays of their ids.
sub cancels
{
	return map { $_->{ids} } grep { $_->{operation} eq 'batch_cancel' } @{ $sandbox->requests(provider => 'xt') };
}

sub requests { return scalar cancels(); }

# Orders at XT, here and there, and of nothing else.
sub only_orders
{
	my ($first, $n) = @_;

	$sandbox->reset;
	sql('TRUNCATE orders, submitted_call');
	stale_orders($first, $n) if $n;
}

# No order was sent more than once.
sub each_sent_once
{
	my ($name) = @_;
	my @seen = map { @$_ } cancels();

	is(scalar(@seen), scalar(uniq @seen), "$name: no order was sent twice");
}

# ----
# The first one
# ----

$sandbox->seed('xt', market => 'btc_usdt', ids => ['156293034776986']);
sql(q{INSERT INTO orders VALUES ('156293034776986', 'xt', 'btc_usdt', now())});
sql(recipe('worker-first'));
like(sql(recipe('worker-wait')), qr/^156293034776986\|cancelled\|/, 'the first call, by whoever waits for it');
{
	my ($shown) = $documents->chapter('docs/worker.md') =~ /^ +(1 .*\| The order has been .*)$/m;
	is(sql(recipe('worker-first-result')), $shown =~ s/ *\| */|/gr, '... as the documents show it');
}
is(sql(recipe('worker-withdraw')), 0, '... nothing of it is left to be withdrawn');

# ----
# The job
# ----

only_orders(1001, 20);
$sandbox->fill('xt', 1007);
$sandbox->set_status('xt', 1008, 'cancelled');
sql('BEGIN; CALL submit_stale_orders(); ROLLBACK');
is(orders_by_status(), 'open 20', 'a job that is rolled back');
is(sql('SELECT count(*) FROM submitted_call'), 0, '... has submitted nothing');
sql('CALL submit_stale_orders()');
is(orders_by_status(), 'cancelling 20', 'the job marks them');
wait_done();
is(sql(q{SELECT c.state, cardinality(c.ids) FROM order_gateway_calls AS c JOIN submitted_call USING (call_id)}),
	'done|20', '... in one call');
sql('CALL take_over_results()');
is(orders_by_status(), 'cancelled 18, closed 1, gone 1', '... and what became of them is taken over');
is(sql('SELECT count(*) FROM submitted_call'), 0, '... once');
sql('CALL submit_stale_orders()');
is(sql('SELECT count(*) FROM submitted_call'), 0, 'the job submits nothing where nothing is stale');
each_sent_once('the job');

# Many at once.
only_orders(2001, 100);
{
	my @jobs = map { start_sql('CALL submit_stale_orders()') } 1 .. 4;

	is(finish_sql($_), '', 'one of four jobs ends well') foreach @jobs;
	wait_done();
	sql('CALL take_over_results()');
	is(orders_by_status(), 'cancelled 100', 'four jobs at once: all is cancelled');
	each_sent_once('four jobs at once');
}

# ----
# A job that calls and waits
# ----

only_orders(8001, 20);
$sandbox->fill('xt', 8007);
sql(recipe('call-stale'));
sql('BEGIN; CALL call_stale_orders(); ROLLBACK');
is(orders_by_status(), 'open 20', 'a job that has called, and is rolled back');
sql('CALL call_stale_orders()');
is(orders_by_status(), 'cancelled 19, closed 1', '... and the next one has it from the journal');
each_sent_once('a job that was rolled back');

only_orders(9101, 2);
$sandbox->arm('close_after', provider => 'xt', match_id => 9101);
sql('CALL call_stale_orders()');
is(orders_by_status(), 'check 2', 'a job whose answer is lost');
is(sql(recipe('call-lost')) =~ s/^\d+\|(\d+\|\w+)\|.*$/$1/gmr, "9101|unknown\n9102|unknown", '... which the journal says, too');
is(sql(recipe('call-recent') =~ s/'session'/'session' AND '9101' = ANY (ids)/r) =~ s/^\d+\|//r,
	'batch_cancel|xt|{9101,9102}|done|0|2', '... and that it was called');
sql('CALL call_stale_orders()');
each_sent_once('a job that calls');

only_orders(9201, 3);
{
	my $hole = $sandbox->arm('black_hole', provider => 'xt', match_id => 9202);
	like(sql_error(q{SET statement_timeout = '500ms'; CALL call_stale_orders()}), qr/statement timeout/, 'a job that is stopped');
	$sandbox->disarm($hole);
	wait_done('... and what it had sent is completed');
	sql('CALL call_stale_orders()');
	is(orders_by_status(), 'check 3', '... and found by the next one');
	each_sent_once('a job that is stopped');
}

# ----
# What is unknown, refused, and not sent
# ----

only_orders(3001, 3);
$sandbox->arm('close_after', provider => 'xt', match_id => 3001);
sql('CALL submit_stale_orders()');
wait_done();
sql('CALL take_over_results()');
is(orders_by_status(), 'check 3', 'an answer that is lost');
is(sql(recipe('report-check')) =~ s/^(\d+)\|\d+\|(\w+)\|.*$/$1 $2/gmr, "3001 unknown\n3002 unknown\n3003 unknown",
	'... is for a human eye');
sql('CALL take_over_settled()');
is(orders_by_status(), 'check 3', '... and not asked about before a minute is over');
sql(q{ALTER SERVER xt OPTIONS (ADD settle_after '1s')});
ok($node->poll_query_until('erp', q{SELECT count(*) = 3 FROM order_gateway_results
	WHERE order_id LIKE '300_' AND outcome = 'cancelled'}),
	'... or the second that was asked for');
sql('CALL take_over_settled()');
is(orders_by_status(), 'cancelled 3', '... then settled');
like(sql(recipe('worker-settled')), qr/^3002\|unknown\|cancelled\|cancelled\|20/m, '... as the journal shows');
sql(q{ALTER SERVER xt OPTIONS (DROP settle_after)});
each_sent_once('a lost answer');

# the same by a crash of the server, after which the worker asks at once
only_orders(3051, 2);
$sandbox->arm('black_hole', provider => 'xt', match_id => 3051);
sql('CALL submit_stale_orders()');
ok($sandbox->wait_for(fault => 'black_hole'), 'a call gets no answer');
$node->stop('immediate');
$node->start;
$sandbox->disarm;
ok($node->poll_query_until('erp', q{SELECT count(*) = 2 FROM order_gateway_results
	WHERE order_id LIKE '305_' AND answered_outcome = 'unknown' AND outcome = 'cancelled'}),
	'... when the server crashes, and is unknown, and settled');
sql('CALL take_over_results()');
is(orders_by_status(), 'cancelled 2', '... which is taken over');
each_sent_once('a crash');

# one that is found to be open a minute later
only_orders(3061, 1);
$sandbox->arm('close_before', provider => 'xt', match_id => 3061);
sql('CALL submit_stale_orders()');
wait_done();
sql('CALL take_over_results()');
is(orders_by_status(), 'check 1', 'a request that was lost');
sql(q{UPDATE order_gateway_journal_result SET outcome = 'rejected', settled_at = now() WHERE order_id = '3061'});
sql('CALL take_over_settled()');
is(orders_by_status(), 'open 1', '... goes again when it is known to be open');
sql('CALL submit_stale_orders()');
wait_done();
sql('CALL take_over_results()');
is(orders_by_status(), 'cancelled 1', '... and is cancelled');

only_orders(3101, 2);
my $lock = $sandbox->arm('envelope', provider => 'xt', code => 404, times => 0, message => 'account is locked');
sql('CALL submit_stale_orders()');
wait_done();
sql('CALL take_over_results()');
is(orders_by_status(), 'check 2', 'what is refused');
$sandbox->disarm($lock);
sql('CALL take_over_settled()');
is(orders_by_status(), 'check 2', '... is not settled');
sql(recipe('submit-refused'));
is(orders_by_status(), 'open 2', '... and goes again when somebody says so');
sql('CALL submit_stale_orders()');
wait_done();
sql('CALL take_over_results()');
is(orders_by_status(), 'cancelled 2', '... with success');
sql(recipe('submit-refused'));
is(orders_by_status(), 'cancelled 2', '... which is not touched again');

# nobody is there, and then it is too late
only_orders(3201, 1);
my $url = $sandbox->base_url('xt');
sql(q{ALTER SERVER xt OPTIONS (SET base_url '} . ($url =~ s/:\d+/:1/r) . q{', ADD expire_after '2s')});
sql('CALL submit_stale_orders()');
wait_done('a call that cannot be sent expires');
sql('CALL take_over_results()');
is(orders_by_status(), 'open 1', '... and its order may go again');
sql(qq{ALTER SERVER xt OPTIONS (SET base_url '$url', DROP expire_after)});

# ----
# Withdrawn before it is sent
# ----

only_orders(3301, 2);
sql(q{INSERT INTO submitted_call SELECT batch_cancel_submit('btc_usdt', ARRAY['3301', '3302'],
	not_before => now() + interval '1 hour')});
like(sql(recipe('worker-adopt')), qr/^\d+\|batch_cancel\|xt\|\{3301,3302\}\|/, 'what is queued is shown');
is(sql(recipe('worker-empty')), 2, '... and withdrawn');
wait_done('a withdrawn call ends');
sql(q{UPDATE orders SET status = 'cancelling'});
sql('CALL take_over_results()');
is(orders_by_status(), 'open 2', '... and its orders were not sent');
is(requests(), 0, '... at all');

# ----
# A trigger
# ----

only_orders(7001, 4);
sql(recipe('trigger'));
sql('BEGIN; ' . recipe('trigger-use') . ' ROLLBACK');
is(sql('SELECT count(*) FROM submitted_call'), 0, 'a trigger of a transaction that is rolled back submits nothing');
sql(recipe('trigger-use'));
is(sql('SELECT count(*) FROM submitted_call'), 1, '... and one call otherwise');
sql(q{UPDATE orders SET placed_at = now()});
is(sql('SELECT count(*) FROM submitted_call'), 1, '... none for other updates');
wait_done();
sql('CALL take_over_results()');
is(orders_by_status(), 'cancelled 2, open 2', '... and cancels what was marked');
is(sql('SELECT count(*) FROM submitted_call'), 0, '... which submits nothing more');
sql(q{INSERT INTO orders VALUES ('oops', 'xt', 'btc_usdt', now())});
like(sql_error(q{UPDATE orders SET status = 'to cancel' WHERE status = 'open'}),
	qr/id "oops" at position \d+ of "ids" is not 1 to 19 digits/, 'what cannot be an order of XT is refused');
is(orders_by_status(), 'cancelled 2, open 3', '... and nothing is marked');
each_sent_once('a trigger');

# ----
# A COMMIT that was lost
# ----

sql('DROP TRIGGER submit_cancels ON orders');
only_orders(7101, 1);
{
	my @numbers = map { sql(recipe('lost-commit')) } 1 .. 3;

	is(scalar(uniq @numbers), 1, 'the same reference is the same call');
	is(sql(q{SELECT count(*) FROM order_gateway_calls WHERE reference = 'request 7f3a0c'}), 1, '... of which there is one');
	like(sql_error(recipe('lost-commit') =~ s/'7101'\]/'7102']/r), qr/request 7f3a0c/, '... and another content is an error');
	wait_done();
	is(requests(), 1, '... and it is sent once');
	@numbers = map { sql(recipe('worker-reference')) } 1 .. 2;
	is(scalar(uniq @numbers), 1, '... also outside of a transaction');
	wait_done();
}

# ----
# Reports
# ----

like(sql(recipe('report')), qr/^xt\|batch_cancel\|cancelled\|\d+\|The order has been canceled/m, 'a report by outcome');
is(sql(recipe('report-orders')) =~ s/^(\d+\|\w+\|)\w+\|(\w+)\|.*$/$1$2/gmr, '7101|btc_usdt|cancelled', 'one by order');
like(sql(recipe('report-one')), qr/^\d+\|cancelled\|/, 'one of an order');

# ----
# A function that lends an account
# ----

sql('CREATE ROLE clerk LOGIN');
sql(recipe('lend-role'));
sql($sandbox->mapping_sql('xt', role => 'order_desk'));
only_orders(8001, 2);
sql(recipe('lend-function'));

sub clerk { return $node->safe_psql('erp', $_[0], extra_params => [ '-U', 'clerk' ]); }

like(clerk(q{SELECT cancel_one_order('8001')}), qr/^\d+$/, 'a clerk cancels an order');
wait_done();
sql('CALL take_over_results()');
is(orders_by_status(), 'cancelled 1, open 1', '... really');
is(sql(q{SELECT DISTINCT role FROM order_gateway_calls WHERE ids = '{8001}'}), 'order_desk', '... with the lent account');
is(clerk('SELECT count(*) FROM order_gateway_calls'), 0, '... and sees no calls');
foreach my $case (
	[ q{SELECT cancel_one_order('8001')}, qr/order "8001" is not open/ ],
	[ q{SELECT cancel_one_order('9999')}, qr/order "9999" is not open/ ],
	[ q{SELECT batch_cancel_submit('btc_usdt', ARRAY[8002])}, qr/permission denied for function batch_cancel_submit/ ],
	[ q{SELECT * FROM orders}, qr/permission denied/ ])
{
	like(sql_error($case->[0], extra_params => [ '-U', 'clerk' ]), $case->[1], '... a clerk may not do more');
}
$node->safe_psql('erp', <<'END', extra_params => [ '-U', 'clerk' ]);
CREATE TEMP TABLE orders (id text, provider text, market text, status text);
CREATE TEMP TABLE submitted_call (call_id bigint);
BEGIN;
SELECT public.cancel_one_order('8002');
ROLLBACK;
SELECT public.cancel_one_order('8002');
END
wait_done();
sql('CALL take_over_results()');
is(orders_by_status(), 'cancelled 2', 'the search_path is pinned');
each_sent_once('a clerk');

# ----
# New orders
# ----

sql(recipe('trade-submit'));
wait_done();
is(sql(q{SELECT outcome FROM order_gateway_find(ARRAY['mine-2'])}), 'accepted', 'a new order');
is(sql(recipe('worker-ours')), '', '... whose own id is not taken for one of ours');
sql(q{SELECT btse_create_order_submit('BTC-USD', 'BUY', 'LIMIT', 0.002, 34000)});
wait_done();
like(sql(recipe('worker-ours')), qr/^[-0-9a-f]+\|[-0-9a-f]{36}$/, '... and one that we made is known');

# ----
# From another database
# ----

only_orders(9001, 2);
sql(recipe('outbox-here'));
sql($sandbox->mapping_sql('xt', role => 'shop'));
$node->safe_psql('postgres', recipe('outbox-there'));
$node->safe_psql('postgres', q{ALTER SERVER gateway OPTIONS (SET host '} . $node->host . q{', ADD port '} . $node->port . q{');
	ALTER USER MAPPING FOR CURRENT_USER SERVER gateway OPTIONS (ADD password_required 'false')});
$node->safe_psql('postgres', recipe('outbox-insert')) foreach 1 .. 2;
wait_done();
is($node->safe_psql('postgres', 'SELECT order_id, outcome FROM results ORDER BY order_id'),
	"9001|cancelled\n9002|cancelled", 'another database submits, and reads what became of it');
is(requests(), 1, '... twice the same is sent once');

# ----
# A heartbeat
# ----

sql('CREATE ROLE trader');
sql(recipe('heartbeat-grant'));
like(sql(recipe('heartbeat-start')), qr/^/, 'a heartbeat is started');
ok($node->poll_query_until('erp', q{SELECT state = 'armed' FROM order_gateway_heartbeats}), '... and armed');
like(sql(recipe('heartbeat-see')), qr/^btse\|\w+\|armed\|00:01:00\|20.*\|20.*\|accepted\|/, '... as the view shows');
sql(recipe('heartbeat-stop'));
ok($node->poll_query_until('erp', 'SELECT count(*) = 0 FROM order_gateway_heartbeats'), '... and stopped');

# ----
# By pg_cron
# ----

SKIP:
{
	skip 'pg_cron is not here', 3 unless $has_cron;

	only_orders(90001, 50);
	sql(recipe('cron'));
	# pg_cron works for whole minutes
	ok($node->poll_query_until('erp', q{SELECT count(*) = 50 FROM orders WHERE status = 'cancelled'}),
		'pg_cron cancels and takes over') or diag(sql(recipe('cron-runs')));
	like(sql(recipe('cron-runs')), qr/\|succeeded\|/, '... as its runs say');
	each_sent_once('pg_cron');
	sql('SELECT cron.unschedule(jobname) FROM cron.job');
}

$erp->stop($has_cron ? 'worker-conf' : qw(cron-conf cron cron-runs));
done_testing();
