# A primary that dies in the middle of it, and a standby that is promoted: what the
# journal has then, and what a sweep finds that it does not have.  What is asked of
# standbys, and what goes on of what was queued, is 174_standby's.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Documents;
use OrderGateway::Journal;
use OrderGateway::Test qw(sql_text);

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(wal_log_hints => 'on', wal_keep_size => '512MB', 'order_gateway.journal_keep' => '30d'),
	standby => 1,
	options => { rate_limit => 'off', query_rate_limit => 'off', max_in_flight => 4 });
my $sandbox = $test->sandbox;

my $documents = OrderGateway::Documents->new;

# The server that is the primary now, and its journal.
my $node = $test->node;
my $journal = OrderGateway::Journal->new($node);

# Orders at BTSE, submitted one by one, each with options as SQL.  Answers the
# calls.
sub create
{
	my ($count, @options) = @_;

	return map {
		$journal->submit('btse_create_order', q{'BTC-USD'}, q{'BUY'}, q{'LIMIT'}, 'size => 1',
			'price => ' . (1000 + $_), @options)
	} 1 .. $count;
}

sub wait_done
{
	my ($calls, $name) = @_;
	my $list = join ',', @$calls;

	return $journal->wait_until(
		"SELECT count(*) = 0 FROM order_gateway_calls WHERE call_id IN ($list) AND state <> 'done'", $name);
}

# Client order ids of what the sandbox created, and how often.
sub created
{
	my %times;

	$times{ $_->{detail}{client_order_id} }++
	  foreach grep { $_->{action} eq 'created' } @{ $sandbox->processed('btse') };
	return \%times;
}

# What the journal has of them, of calls after this one: calls and outcomes by id.
my $compared_after = 0;

sub journalled
{
	my %rows;

	foreach (split /\n/, $journal->sql(
			q{SELECT r.order_id, c.origin, r.outcome FROM order_gateway_results AS r JOIN order_gateway_calls AS c USING (call_id)
				WHERE c.function LIKE 'btse_create_order%' AND call_id > } . $compared_after))
	{
		my ($id, $origin, $outcome) = split /\|/;
		push @{ $rows{$id} }, { origin => $origin, outcome => $outcome };
	}
	return \%rows;
}

# How the two books differ, as complaints; and how many orders were found.
sub differences
{
	my ($created, $rows) = (created(), journalled());
	my @complaints;

	foreach my $id (sort keys %$created)
	{
		push @complaints, "$id was created $created->{$id} times" if $created->{$id} > 1;
		push @complaints, "$id is in no row" if !$rows->{$id};
		push @complaints, "$id is said to be $_->{outcome}"
		  foreach grep { $_->{outcome} !~ /^(?:accepted|unknown)$/ } @{ $rows->{$id} // [] };
	}
	foreach my $id (sort keys %$rows)
	{
		push @complaints, "$id is in several rows" if @{ $rows->{$id} } > 1;
		push @complaints, "$id is said to be accepted, and is not there"
		  if $rows->{$id}[0]{outcome} eq 'accepted' && !$created->{$id};
	}
	return \@complaints;
}

# Only calls count that are compared.
sub found { return $journal->sql(q{SELECT count(*) FROM order_gateway_calls WHERE origin = 'found' AND call_id > } . $compared_after); }

sub wait_swept
{
	my ($name) = @_;

	return $journal->wait_until(
		q{SELECT count(*) FILTER (WHERE state = 'done') > 0 AND count(*) FILTER (WHERE state <> 'done') = 0 FROM order_gateway_sweeps
			WHERE timeline = (SELECT max(timeline) FROM order_gateway_installation)}, $name);
}

# From here on it gets nothing more.
sub cut_off
{
	my ($standby) = @_;

	$standby->append_conf('postgresql.conf', "primary_conninfo = ''\n");
	$standby->reload;
	return OrderGateway::Journal->new($standby)->wait_until('SELECT count(*) = 0 FROM pg_stat_wal_receiver', 'the standby is cut off');
}

# The primary dies, and this one is it from now on.
sub fail_over
{
	my ($to) = @_;

	$journal = $journal->fail_over($to);
	$node = $to;
	return;
}

# Orders are compared from here on.
sub compare_from_here
{
	$sandbox->reset;
	$compared_after = $journal->sql('SELECT coalesce(max(call_id), 0) FROM order_gateway_calls');
	return;
}

sub log_since { return PostgreSQL::Test::Utils::slurp_file($node->logfile, $_[0]); }

# What requests asked for, in short.
sub operations
{
	my ($since) = @_;

	return join ' ', map { "$_->{provider}:$_->{operation}" }
	  grep { $_->{number} > $since } @{ $sandbox->requests };
}

sub requests { return scalar @{ $sandbox->requests }; }

# ----
# What the standby did not get
# ----

my ($first, $lost, $own, $canceled);

subtest 'an asynchronous standby: a sweep finds the orders that its journal lost' => sub {
	my $standby = $test->standby('first');

	($first) = create(1);
	$test->seed('xt', 1, 2);
	wait_done([$first], 'an order is created');
	$node->wait_for_catchup($standby);
	cut_off($standby);

	$lost = [ create(3) ];
	$own = [ create(1, q{client_order_id => 'mine'}) ];
	$canceled = $journal->cancel([ 1, 2 ]);
	wait_done([ @$lost, @$own, $canceled ], 'more are, and others are cancelled, which the standby does not get');
	my @ids = map { $journal->of($_, 'ids[1]') } @$lost;
	my %order = map { $_->{client_order_id} // '' => $_ } @{ $sandbox->orders(provider => 'btse') };
	$sandbox->fill('btse', $order{ $ids[2] }{id});
	$sandbox->fill('btse', $order{ $ids[1] }{id}, size => '0.25');
	$sandbox->seed('btse', market => 'BTC-USD', ids => [77], client_order_ids => ['01234567-89ab-8def-8123-456789abcdef']);

	my $asked = requests();
	my $log = -s $standby->logfile;
	fail_over($standby);
	wait_swept('all accounts are swept');
	is($journal->sql(q{SELECT server, role = current_user, found, timeline, problem IS NULL FROM order_gateway_sweeps}),
		'btse|t|3|2|t', 'what came of that can be seen');
	like($journal->sql($documents->recipe('worker-sweeps')), qr/^btse\|[^|]+\|done\|3\|/, '... as the chapter asks for it');
	like(operations($asked), qr/^btse:open_orders(?: btse:trade_history)+$/, 'the provider was asked, and nothing else');
	is_deeply([ sort split /\n/, $journal->sql(q{SELECT order_id FROM order_gateway_results JOIN order_gateway_calls USING (call_id) WHERE origin = 'found'}) ],
		[ sort @ids ], 'the orders are found that bear the mark of this installation');
	my $states = q{SELECT string_agg(concat_ws(' ', r.outcome, r.answered_outcome, r.order_state, r.settled_at IS NOT NULL), ',' ORDER BY r.order_id = '%s')
		FROM order_gateway_results AS r WHERE r.order_id IN ('%s', '%s')};
	is($journal->sql(sprintf $states, $ids[0], $ids[0], $ids[1]),
		'accepted unknown partly_filled t,accepted unknown open t', '... with what is known of them');
	is($journal->sql(sprintf $states, $ids[2], $ids[2], $ids[2]), 'accepted unknown partly_filled t',
		'... also of one that is not open any more: it has traded');
	is($journal->sql(qq{SELECT r.response->>'clOrderID' = r.order_id FROM order_gateway_results AS r WHERE r.order_id = '$ids[0]'}),
		't', '... in the words of the provider');
	is($journal->sql(qq{SELECT c.state, c.function, c.server, c.arguments, c.accepted, c.submitted_at < c.done_at, c.note FROM order_gateway_calls AS c
			WHERE c.ids = ARRAY['$ids[0]']}),
		'done|btse_create_order|btse|{"symbol": "BTC-USD", "side": "BUY"}|1|t|found at the provider: the server that created this order'
		  . ' did not pass its rows on, or it was created without the worker',
		'each is a call that is done');
	my $words = log_since($log);
	like($words, qr/WARNING: +order_gateway: server "btse" has order "$_", which this installation created/, 'the log tells of it')
	  foreach @ids;
	like($words, qr/orders of role "\S+" at server "btse" were looked for, and 3 found/, '... and of their number');

	# What only the provider knows, and who looks has to know that.
	is($journal->sql('SELECT count(*) FROM order_gateway_results WHERE order_id IN (\'mine\', \'1\', \'2\')'), 0,
		'orders by ids of the user, and cancels, are lost');
	is(join(' ', map { $sandbox->truth('xt')->{$_} } 1, 2), 'cancelled cancelled', '... though they were made');
	is($journal->sql(q{SELECT count(*) FROM btse_open_orders() WHERE client_order_id = 'mine'}), 1, '... and can be looked up');
	is(scalar(grep { $_ ne 'mine' } keys %{ created() }), scalar(keys %{ journalled() }), 'all others are in the journal');
	is_deeply([ grep { !/^mine / } @{ differences() } ], [], '... and it is right about them');
};

subtest 'what was found is done, and looked for once' => sub {
	my $pid = $journal->worker_pid;
	my $asked = requests();

	$journal->sql("SELECT pg_terminate_backend($pid)");
	$journal->wait_for_worker('another worker', $pid);
	my ($new) = create(1);
	wait_done([$new], '... makes calls');
	is(operations($asked), 'btse:create_order', '... and nothing is read, or sent, again');
	$journal->sql('CREATE ROLE somebody');
	is($journal->sql('SET ROLE somebody; SELECT count(*) FROM order_gateway_sweeps'), 0,
		'who is not a member of the role sees nothing of it');
	is($journal->sql(q{SELECT order_gateway_sweep()}), 1, 'whoever wants it has them looked for once more');
	wait_swept('... which is done');
	is(found(), 3, '... and finds nothing twice');
	is($journal->sql(q{SELECT found FROM order_gateway_sweeps}), 0, '... as is said');
};

# ----
# What is in the way of a sweep
# ----

subtest 'a sweep that fails is begun again, also by another worker' => sub {
	my $lost = 'SELECT r.order_id FROM order_gateway_results AS r JOIN order_gateway_calls AS c USING (call_id) WHERE c.origin = \'found\' LIMIT 1';
	my $id = $journal->sql($lost);
	my $call = $journal->sql("SELECT call_id FROM order_gateway_results WHERE order_id = '$id'");

	# as if it had been lost once more
	$journal->sql("DELETE FROM order_gateway_journal_$_ WHERE call_id = $call") foreach qw(result end call);
	$sandbox->arm('http_500', provider => 'btse', operation => 'open_orders', times => 1000);
	$journal->sql('SELECT order_gateway_sweep()');
	$journal->wait_until(q{SELECT state = 'wanted' AND problem ~ '^server "btse" ' FROM order_gateway_sweeps}, 'it fails, and says so');
	my ($other) = create(1);
	wait_done([$other], '... while calls are made');
	my $pid = $journal->worker_pid;
	$journal->sql("SELECT pg_terminate_backend($pid)");
	$journal->wait_for_worker('another worker', $pid);
	is($journal->sql(q{SELECT state FROM order_gateway_sweeps}), 'wanted', '... has it to do');
	$sandbox->disarm;
	wait_swept('... and does it');
	is($journal->sql(qq{SELECT origin, s.found, s.problem IS NULL FROM order_gateway_calls, order_gateway_sweeps AS s WHERE ids = ARRAY['$id']}),
		'found|1|t', '... to its end');

	$journal->sql('DROP USER MAPPING FOR CURRENT_USER SERVER btse');
	$journal->sql('SELECT order_gateway_sweep()');
	$journal->wait_until(q{SELECT problem ~ 'user mapping' FROM order_gateway_sweeps}, 'without a mapping it waits');
	$journal->sql($sandbox->mapping_sql('btse'));
	wait_swept('... until there is one');
};

subtest 'a sweep that crashes the server is given up, until somebody wants it' => sub {
	my $pid = $journal->worker_pid;

	# what is left by workers that crashed while they swept
	$sandbox->arm('black_hole', provider => 'btse', operation => 'open_orders', times => 1000);
	$journal->sql('SELECT order_gateway_sweep()');
	$journal->wait_until('SELECT count(*) = 1 FROM order_gateway_journal_trial WHERE call_id = -1', 'that it is tried is written down');
	$journal->sql('INSERT INTO order_gateway_journal_trial SELECT installation, call_id, n, now() FROM order_gateway_journal_trial, generate_series(-2, -1) AS n WHERE call_id = -1');
	$journal->crash;
	$journal->wait_until(q{SELECT state = 'off' AND problem ~ 'the server crashed each time' FROM order_gateway_sweeps}, 'after the third crash it is off');
	my ($other) = create(1);
	wait_done([$other], '... and calls are made');
	$sandbox->disarm;
	$journal->sql('SELECT order_gateway_sweep()');
	wait_swept('when somebody wants it, it is done');
	$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_journal_trial WHERE call_id = -1', '... and nothing is held against it');
};

# ----
# In the middle of it
# ----

# Many calls go out, submitted ones and one of a session, with answers that are
# late, when the primary dies.  "then" is done on the one that is promoted.
sub die_in_the_middle
{
	my ($standby, $then) = @_;

	my $session = $test->session(node => $node);

	compare_from_here();
	$sandbox->arm('delay', provider => 'btse', operation => 'create_order', ms => 300, times => 1000);
	$journal->sql(q{SELECT count(btse_create_order_submit('BTC-USD', 'BUY', 'LIMIT', size => 1, price => 1000 + i)) FROM generate_series(1, 60) AS i});
	$session->send(q{SELECT count(*) FROM btse_create_orders((SELECT jsonb_agg(jsonb_build_object('symbol', 'BTC-USD', 'side', 'BUY',
		'type', 'LIMIT', 'size', 1, 'price', 2000 + i)) FROM generate_series(1, 60) AS i))});
	$journal->wait_until(qq{SELECT EXISTS (SELECT FROM order_gateway_calls AS c JOIN order_gateway_results USING (call_id)
		WHERE call_id > $compared_after AND c.function = 'btse_create_orders')}, 'a session creates orders');
	$test->wait_until(sub { keys %{ created() } >= 12 }, '... as others are being created');
	fail_over($standby);
	$then->() if $then;
	$sandbox->disarm;
	wait_swept('all accounts are swept');
	$journal->wait_until(q{SELECT count(*) = 0 FROM order_gateway_calls WHERE state <> 'done'}, '... and all calls are done');
	is_deeply(differences(), [], '... the books agree');
	note(keys(%{ created() }) . ' orders were created, ' . found() . ' found since the beginning');
	return;
}

my $old;

subtest 'an asynchronous standby in the middle of it: no order is unaccounted for' => sub {
	$old = $node;
	my $standby = $test->standby('second', $node);

	die_in_the_middle($standby);
	is($journal->sql(qq{SELECT count(*) FROM order_gateway_calls WHERE call_id > $compared_after AND origin = 'outbox' AND accepted + unknown = 0}), 0,
		'what was queued was perhaps sent');
};

subtest 'the old primary is wound back, and follows the new one' => sub {
	$journal->sql('CHECKPOINT');
	$old->command_ok([ 'pg_rewind', '--target-pgdata', $old->data_dir, '--source-server', $node->connstr('postgres') ],
		'it is wound back');

	# the files of settings came along
	$old->append_conf('postgresql.conf', join "\n", 'port = ' . $old->port,
		"primary_conninfo = '" . $node->connstr . " application_name=back'", '');
	unlink $old->data_dir . '/postgresql.auto.conf';
	$old->set_standby_mode;
	$old->start;
	$journal->wait_until(q{SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = 'back' AND state = 'streaming'},
		'... and follows');
	$node->wait_for_catchup('back');
	is($old->safe_psql('postgres', 'SELECT count(*) FROM order_gateway_calls'), $journal->sql('SELECT count(*) FROM order_gateway_calls'),
		'... with the same journal');
};

subtest 'a synchronous standby that does not answer holds requests, and nothing else' => sub {
	my $receiver = $old->safe_psql('postgres', 'SELECT pid FROM pg_stat_wal_receiver');

	$journal->set('synchronous_standby_names', 'back');
	$journal->wait_until(q{SELECT sync_state = 'sync' FROM pg_stat_replication WHERE application_name = 'back'}, 'it is synchronous');
	compare_from_here();
	kill 'STOP', $receiver;
	my $local = { before => 'SET synchronous_commit = local;' };
	my @held = create(3, $local);
	my ($later) = create(1, q{not_before => now() + interval '1 hour'}, q{expires_at => 'infinity'}, $local);
	$journal->wait_until('SELECT waiting_for_standby FROM order_gateway_workers', 'requests wait for it');
	is($journal->sql('SELECT count(*) FROM btse_open_orders()'), 0, 'reads go on');
	is($journal->sql("SET synchronous_commit = local; SELECT order_gateway_withdraw($later)"), 1, '... and calls are withdrawn');
	$journal->wait_until("SELECT state = 'done' FROM order_gateway_calls WHERE call_id = $later", '... which is done');
	$journal->sql('SET synchronous_commit = local; SELECT order_gateway_sweep()');
	wait_swept('... and accounts are swept');
	is_deeply([ keys %{ created() } ], [], '... and nothing has left');
	my $pid = $journal->worker_pid;
	my $start = time;
	$journal->sql("SELECT pg_terminate_backend($pid)");
	$journal->wait_for_worker('the worker ends when it is told to', $pid);
	cmp_ok(time - $start, '<', 30, '... without waiting for it');
	my ($next) = create(1, $local);
	$journal->wait_until('SELECT waiting_for_standby FROM order_gateway_workers', '... and the next one waits, too');
	kill 'CONT', $receiver;
	wait_done([ @held, $next ], 'when it goes on, all is done');
	is(join('', map { $journal->letters($_) } @held, $next), 'CCCC', '... what waited is made');
	is(keys %{ created() }, 4, '... once, since the first worker had said that it had not left');
};

subtest 'a synchronous standby in the middle of it: nothing is lost, so nothing is found' => sub {
	my $found = found();

	# It was synchronous, which it takes from its own settings when it is promoted.
	$old->append_conf('postgresql.conf', "synchronous_standby_names = 'whoever'\n");
	$old->reload;
	die_in_the_middle($old, sub {
			$journal->wait_until('SELECT timeline = 4 FROM order_gateway_installation', 'it takes note of the promotion');
			$journal->set('synchronous_standby_names', '');
		});
	is(found(), $found, '... without one that had to be found');
	is($journal->sql(q{SELECT timeline, state, found FROM order_gateway_sweeps}), '4|done|0', '... though it was looked for');
	is($journal->sql(qq{SELECT count(*) FILTER (WHERE origin = 'outbox' AND accepted + unknown = 1), count(*) FILTER (WHERE origin = 'session' AND not_sent > 0)
			FROM order_gateway_calls WHERE call_id > $compared_after}), '60|1', '... and what was queued went on, but not the call of a session');
};

$sandbox->stop;
$node->stop;
done_testing();
