# A worker and the standbys of its server: what it asks of them (J1), and what
# goes on when one of them is promoted (J3), or a copy of the server starts (J4).

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Journal;
use OrderGateway::Test;

my $PROMOTED = 'the server was promoted: the one before it may have sent this order';

# So long nothing has to leave that is held back.
my $WATCHED_SECONDS = 1.5;

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(max_prepared_transactions => 5),
	standby => 1,
	options => { rate_limit => 'off', settle_after => '0' });
my $node = $test->node;
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($node);

sub fresh
{
	$test->reset;
	return $test->seed('xt', @_);
}

sub arrived { return scalar @{ $sandbox->requests }; }

# What was submitted waits for a standby, and does not leave.
sub is_held
{
	my ($call, $name) = @_;

	$journal->wait_until(
		'SELECT waiting_for_standby FROM order_gateway_workers', "$name: a request waits");
	sleep $WATCHED_SECONDS;
	is(arrived(), 0, '... and does not leave');
	is($journal->of($call, 'state'), 'sending', '... though it is marked');
	return;
}

# What submits does not wait itself.
sub cancel_locally
{
	my ($ids) = @_;

	return $journal->cancel($ids, before => 'SET synchronous_commit = local;');
}

# ----
# J1
# ----

my $standby = $test->standby('standby');

subtest 'J1: a request leaves when the synchronous standby has its mark' => sub {
	fresh(1 .. 3);
	$journal->set('synchronous_standby_names', 'standby');
	$journal->wait_until(q{SELECT sync_state = 'sync' FROM pg_stat_replication},
		'there is a synchronous standby');
	my $call = $journal->cancel([1]);
	$journal->wait_for($call, 'done', 'with it, a call is made');
	is($journal->letters($call), 'C', '... as always');
	$sandbox->reset;
	$test->seed('xt', 2, 3);

	$standby->stop;
	my $held = cancel_locally([2]);
	is_held($held, 'without it');
	is($journal->sql('SELECT count(*) FROM order_gateway_results'), 1, 'sessions go on');
	is($journal->sql('SET synchronous_commit = local; SELECT pg_reload_conf()'), 't',
		'... and the worker takes a reload');
	$standby->start;
	$journal->wait_for($held, 'done', 'when it comes back, the request leaves');
	is($journal->letters($held), 'C', '... once');
	is(arrived(), 1, '... and nothing else');
	$journal->wait_until('SELECT NOT waiting_for_standby FROM order_gateway_workers',
		'... and nobody waits any more');
};

subtest 'J1: one that is connected and flushes nothing is waited for' => sub {
	fresh(1);
	my $receiver =
	  $standby->safe_psql('postgres', 'SELECT pid FROM pg_stat_wal_receiver');

	kill 'STOP', $receiver;
	my $held = cancel_locally([1]);
	is_held($held, 'with a standby that hangs');
	kill 'CONT', $receiver;
	$journal->wait_for($held, 'done', 'when it goes on, the request leaves');
	is($journal->letters($held), 'C', '... and is answered');
};

subtest 'J1: of several standbys as many have to have it as the setting says' => sub {
	fresh(1 .. 3);
	$journal->set('synchronous_standby_names', 'ANY 2 (standby, other, third)');
	my $held = cancel_locally([1]);
	is_held($held, 'with one of two');
	$journal->set('synchronous_standby_names', 'ANY 1 (standby, other)');
	$journal->wait_for($held, 'done', 'when one is enough, the request leaves');
	$journal->set('synchronous_standby_names', 'FIRST 1 (other, standby)');
	my $call = cancel_locally([2]);
	$journal->wait_for($call, 'done', 'the first one that is there is enough for FIRST 1');
	fresh(3);
	$journal->set('synchronous_standby_names', 'FIRST 2 (other, standby)');
	$held = cancel_locally([3]);
	is_held($held, '... and not for FIRST 2');
	$journal->set('synchronous_standby_names', '');
	$journal->wait_for($held, 'done', 'when nobody asks for standbys any more, it leaves');
};

subtest 'J1: a worker that waits for a standby ends at once, and its request goes on later' => sub {
	fresh(1);
	$journal->set('synchronous_standby_names', 'nobody');
	my $held = cancel_locally([1]);
	is_held($held, 'without a standby');
	my $start = time;
	$standby->stop;
	$node->stop('fast');
	cmp_ok(time - $start, '<', 30, 'a fast shutdown does not wait for it');
	$node->append_conf('postgresql.auto.conf', "synchronous_standby_names = ''\n");
	$node->start;
	$standby->start;
	$journal->wait_for($held, 'done', 'after the start');
	is($journal->letters($held), 'C', '... it is made');
	is(arrived(), 1, '... once, since it was written down that it had not left');
};

# ----
# J3
# ----

# Calls that are queued for later, by what may become of them; each time of other
# orders, since those that were queued before are still there.
my $turn = 1;

sub queue_calls
{
	my ($in) = @_;
	my @ids = map { 10 * $turn + $_ } 1 .. 2;
	my %later = (
		not_before => q{now() + interval '1 hour'},
		expires_at => q{now() + interval '2 hours'});
	my @later = map { "$_ => $later{$_}" } sort keys %later;

	$in //= $journal;
	$turn++;
	fresh(@ids, 1 .. 9);
	$sandbox->seed('btse', market => 'BTC-USD', ids => \@ids);
	return {
		cancel => $in->cancel(\@ids, %later),
		by_id => $in->submit('btse_cancel', q{'BTC-USD'}, "ARRAY['$ids[0]']", @later),
		by_client_id =>
		  $in->submit('btse_cancel', q{'BTC-USD'}, "ARRAY['$ids[1]']", q{by => 'client_order_id'}, @later),
		create => $in->submit('btse_create_order', q{'BTC-USD'}, q{'BUY'}, q{'LIMIT'},
			'size => 1', 'price => 1000', @later),
	};
}

# They are due, and the worker sees that.
sub make_due
{
	my ($in) = @_;
	my $pid = $in->worker_pid;

	$in->sql('UPDATE order_gateway_journal_call SET not_before = now()');
	$in->sql("SELECT pg_terminate_backend($pid)");
	return $in->wait_for_worker('another worker looks at them', $pid);
}

# The standby is the server now, and the other one is gone.
sub fail_over
{
	my ($to) = @_;

	$node->wait_for_catchup($to);
	return $journal->fail_over($to);
}

subtest 'J3: with a synchronous standby everything goes on after a failover' => sub {
	$journal->set('synchronous_standby_names', '');
	my $calls = queue_calls();
	my $next = $test->standby('second');

	$next->append_conf('postgresql.auto.conf', "synchronous_standby_names = 'anybody'\n");
	$next->reload;
	$node->wait_for_catchup($next);
	my $promoted = fail_over($next);
	$promoted->wait_until('SELECT timeline = 2 FROM order_gateway_installation',
		'it has looked at what there was');
	is($promoted->of($_, 'state'), 'queued', 'it goes on')
	  foreach map { $calls->{$_} } sort keys %$calls;
	$promoted->set('synchronous_standby_names', '');
	make_due($promoted);
	$promoted->wait_for($calls->{$_}, 'done', "$_ is made") foreach sort keys %$calls;
	is($promoted->letters($calls->{cancel}), 'CC', 'what is cancelled is cancelled');
	is($promoted->of($calls->{create}, 'accepted'), 1, 'what is created is created');
	$next->stop;
	$node->start;
};

subtest 'J3: without one, only cancels by ids go on, and the rest is unknown' => sub {
	$journal->wait_for_worker('the first server is there again');
	my $calls = queue_calls();
	my $next = $test->standby('third');
	my $promoted = fail_over($next);

	foreach my $lost (qw(by_client_id create))
	{
		$promoted->wait_for($calls->{$lost}, 'done', "$lost is over");
		is($promoted->letters($calls->{$lost}), 'U', '... and unknown');
		is($promoted->words($calls->{$lost}), $PROMOTED, '... for that reason');
	}
	is($promoted->of($calls->{$_}, 'state'), 'queued', "$_ goes on") foreach qw(cancel by_id);
	make_due($promoted);
	$promoted->wait_for($calls->{$_}, 'done', "$_ is made") foreach qw(cancel by_id);
	is($promoted->letters($calls->{cancel}), 'CC', 'what is cancelled is cancelled');
	my $new = $promoted->submit('btse_create_order', q{'BTC-USD'}, q{'BUY'}, q{'LIMIT'}, 'size => 1',
		'price => 1000');
	$promoted->wait_for($new, 'done', 'what is submitted now is made');
	is($promoted->of($new, 'accepted'), 1, '... as always');
	$next->stop;
	$node->start;
};

subtest 'J3: what is not sent of an older timeline is unknown' => sub {
	$journal->wait_for_worker('the first server is there again');
	my $calls = queue_calls();
	my $create = q{SELECT btse_create_order_submit('BTC-USD', 'BUY', 'LIMIT', size => 1, price => 1000)};
	my $prepared = $journal->sql("BEGIN; $create; PREPARE TRANSACTION 'late'");
	my $next = $test->standby('fourth');
	my $promoted = fail_over($next);

	$promoted->wait_until('SELECT timeline = 2 FROM order_gateway_installation', 'it goes on');
	$promoted->sql(q{COMMIT PREPARED 'late'});
	$promoted->wait_for($prepared, 'done', 'a call that is committed only now is over');
	is($promoted->letters($prepared), 'U', '... since it might have been before');
	is($promoted->sql("SELECT order_gateway_withdraw($calls->{cancel})"), 0,
		'of a cancel that is withdrawn there nothing is certain');
	$promoted->wait_for($calls->{cancel}, 'done', '... and it is over');
	is($promoted->letters($calls->{cancel}), 'UU', '... but the server before may have sent it');
	$next->stop;
	$node->start;
	$journal->wait_for_worker('the first server is there again');
	$journal->sql(q{COMMIT PREPARED 'late'});
	$journal->wait_for($prepared, 'done', 'there, where nothing is in doubt, it is made');
	is($journal->of($prepared, 'accepted'), 1, '... as always');
};

# Nothing was marked after it was withdrawn, and what was before has come along.
subtest 'J3: what was withdrawn before the promotion stays withdrawn' => sub {
	my $calls = queue_calls();
	my $next = $test->standby('fifth');
	my $worker = $journal->worker_pid;

	kill 'STOP', $worker;
	foreach my $call (qw(create cancel))
	{
		my $orders = $call eq 'create' ? 1 : 2;

		is($journal->sql("SELECT order_gateway_withdraw($calls->{$call})"), $orders,
			"a $call is withdrawn, and nobody has ended it yet");
	}
	$node->wait_for_catchup($next);
	$node->stop('immediate');
	kill 'CONT', $worker;
	$next->promote;
	my $promoted = OrderGateway::Journal->new($next);
	$promoted->wait_for($calls->{$_}, 'done', "the $_ is over") foreach qw(create cancel);
	is($promoted->letters($calls->{create}), '-', '... and was not sent');
	is($promoted->letters($calls->{cancel}), '--', '... either');
	is($promoted->words($calls->{create}), 'it was withdrawn before it could be sent', '... for that reason');
	$next->stop;
	$node->start;
	$journal->wait_for_worker('the first server is there again');
};

# ----
# J4
# ----

subtest 'J4: a copy that starts late sends nothing until it is adopted' => sub {
	$journal->wait_for_worker('the first server is there again');
	my $calls = queue_calls();
	my $copy = $test->standby('copy');
	my $short = $journal->cancel([9], not_before => q{now() + interval '1 hour'});

	$journal->sql(q{UPDATE order_gateway_installation SET alive_at = now() - interval '6 min'});
	$node->wait_for_catchup($copy);
	$copy->promote;
	$journal->sql('UPDATE order_gateway_installation SET alive_at = now()');
	my $late = OrderGateway::Journal->new($copy);
	$late->wait_for_worker('the copy has a worker');
	$late->wait_until('SELECT held FROM order_gateway_installation', 'it holds everything');
	like($late->sql('SELECT last_error FROM order_gateway_workers'), qr/looks like a copy/,
		'... and says so');
	$late->sql("UPDATE order_gateway_journal_call SET expires_at = now() WHERE call_id = $short");
	make_due($late);
	$late->wait_until('SELECT running FROM order_gateway_installation', '... also when it starts again');
	my $new = $late->cancel([5]);
	sleep $WATCHED_SECONDS;
	is($late->of($_, 'state'), 'queued', 'nothing is sent') foreach $new, map { $calls->{$_} } sort keys %$calls;
	is($late->of($short, 'state'), 'queued', '... and nobody says so of what has expired');
	is(arrived(), 0, '... for certain');
	my $session = $test->session(node => $copy);
	my $refused = $session->query(q{SELECT FROM batch_cancel('btc_usdt', '{6}')});
	like($refused->{stderr}, qr/ERROR:  55000: nothing is sent from this database: .*HINT:  .*order_gateway_adopt\(\)/s,
		'... nor does a session send anything there');
	is(arrived(), 0, '... which is so');

	$late->sql('SELECT order_gateway_adopt()');
	$late->wait_for($new, 'done', 'when it is adopted, what is submitted there is made');
	is($late->letters($new), 'C', '... as always');
	is($session->value(q{SELECT outcome FROM batch_cancel('btc_usdt', '{6}')}), 'cancelled',
		'... and what a session calls');
	is($late->sql(q{SELECT count(*) FROM order_gateway_calls WHERE origin = 'session'}), 1, '... that once');
	$session->quit;
	$late->wait_for($calls->{$_}, 'done', "$_ is made") foreach qw(cancel by_id);
	is($late->letters($calls->{cancel}), 'CC', '... since cancels do no harm');
	$late->wait_for($short, 'done', 'what had expired by then is over');
	is($late->letters($short), 'U', '... and unknown, since the original may have sent it');
	$late->wait_for($calls->{$_}, 'done', "$_ is over") foreach qw(by_client_id create);
	is($late->letters($calls->{$_}), 'U', '... and unknown') foreach qw(by_client_id create);
	is($late->sql('SELECT last_error FROM order_gateway_workers'), '',
		'... and there is nothing more to be said');
	$copy->stop;
};

# A cluster that was promoted once has timeline 2, and after pg_upgrade 1 again;
# servers and functions get other OIDs.
subtest 'J4: pg_upgrade keeps what is queued' => sub {
	my $old = $test->standby('old');
	my $new = PostgreSQL::Test::Cluster->new('new');
	my $bin = $old->config_data('--bindir');
	my $settings = join '', map { "$_\n" } grep { /^(?:shared_preload|order_gateway|max_worker)/ }
	  split /\n/, PostgreSQL::Test::Utils::slurp_file($old->data_dir . '/postgresql.conf');

	$old->promote;
	my $before = OrderGateway::Journal->new($old);
	$before->wait_for_worker('a server is promoted');
	$before->wait_until('SELECT timeline = 2 FROM order_gateway_installation', '... and goes on');
	my $server = $before->sql(q{SELECT oid FROM pg_foreign_server WHERE srvname = 'btse'});
	my $calls = queue_calls($before);
	$old->stop;

	$new->init;
	$new->append_conf('postgresql.conf', $settings);
	$new->command_ok([
			'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
			'-s', $new->host, '-p', $old->port, '-P', $new->port
		],
		'it can be upgraded');
	$new->start;
	my $after = OrderGateway::Journal->new($new);
	$after->wait_for_worker('it has a worker then');
	$after->wait_until('SELECT timeline = 1 AND NOT held FROM order_gateway_installation',
		'... which may send');
	isnt($after->sql(q{SELECT oid FROM pg_foreign_server WHERE srvname = 'btse'}), $server,
		'servers have other OIDs');
	is($after->of($_, 'state'), 'queued', 'what was queued is') foreach map { $calls->{$_} } sort keys %$calls;
	make_due($after);
	$after->wait_for($calls->{$_}, 'done', "$_ is made") foreach sort keys %$calls;
	is($after->letters($calls->{cancel}), 'CC', 'what is cancelled is cancelled');
	is($after->of($calls->{create}, 'accepted'), 1, 'what is created is created');
	$new->stop;
};

$sandbox->stop;
$standby->stop;
$node->stop;
done_testing();
