# What a worker makes of the journal that it finds at its start: after a crash
# (J3), in a copy of the database (J4), of a call that crashes the server; and
# how long the journal keeps what is done (J7).

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;

use OrderGateway::Journal;
use OrderGateway::Test;

my $STOPPED = 'the worker or the server stopped while the request was out';

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(),
	standby => 'logical',
	options => { rate_limit => 'off', max_in_flight => 1, settle_after => '0' });
my $node = $test->node;
my $sandbox = $test->sandbox;
my $journal = OrderGateway::Journal->new($node);

sub fresh
{
	$test->reset;
	return $test->seed('xt', @_);
}

# How often each id has arrived at the provider: a hash.
sub arrived
{
	my %arrived;

	$arrived{$_}++ foreach map { @{ $_->{ids} } } @{ $sandbox->requests };
	return \%arrived;
}

sub installation
{
	my ($columns, $in) = @_;

	return ($in // $journal)->sql("SELECT $columns FROM order_gateway_installation"
		  . ' WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())');
}

# The server answers nothing to the request with this id: wait for that.
sub hold_answer_to
{
	my ($id) = @_;

	return $sandbox->arm('black_hole', provider => 'xt', match_id => $id);
}

sub wait_until_held
{
	return ok($sandbox->wait_for(fault => 'black_hole', count => 1, seconds => 60),
		'its request is out');
}

# ----
# J3
# ----

subtest 'J3: what was marked and not answered is unknown, and never sent again' => sub {
	fresh(1 .. 4);
	hold_answer_to(1);
	my $call = $journal->cancel([ 1, 2, 1 ]);
	my $later = $journal->cancel([3], not_before => q{now() + interval '1 hour'});
	wait_until_held();
	$journal->crash;
	$journal->wait_for($call, 'done', 'the call is done');
	is($journal->letters($call), 'UUU', 'its orders are unknown, where their ids are repeated, too');
	is($journal->words($call), $STOPPED, '... and it is said why');
	is($journal->of($call, 'unknown'), 3, '... and counted');
	is($journal->sql('SELECT count(*) FROM order_gateway_results'
			  . " WHERE call_id = $call AND sent_at IS NULL AND answered_at IS NULL AND attempts = 1"),
		3, 'nobody knows when they were sent, if they were');
	is($journal->of($later, 'state'), 'queued', 'what was queued stays queued');
	is($journal->sql("SELECT order_gateway_withdraw($later)"), 1, '... and can be withdrawn');
	my $next = $journal->cancel([4]);
	$journal->wait_for($next, 'done', 'what is submitted then is made');
	is($journal->letters($next), 'C', '... as always');
	is_deeply(arrived(), { 1 => 1, 2 => 1, 4 => 1 }, 'nothing has arrived twice');
};

subtest 'J3: what was answered stays, and what never left goes on' => sub {
	fresh(1 .. 250);
	hold_answer_to(101);
	my $call = $journal->cancel([ 1 .. 250 ]);
	wait_until_held();
	$journal->wait_until('SELECT count(*) = 100 FROM order_gateway_results'
		  . " WHERE call_id = $call", 'what was answered before is written');
	$journal->crash;
	$journal->wait_for($call, 'done', 'the call goes on, and is done');
	is($journal->letters($call), 'C*100U*100C*50', 'every order has the outcome that is known');
	is_deeply(arrived(), { map { $_ => 1 } 1 .. 250 }, 'each was sent, once');
};

subtest 'J3: what has expired meanwhile is not sent' => sub {
	fresh(1);
	my $call = $journal->cancel([1],
		not_before => q{now() + interval '1 hour'}, expires_at => q{now() + interval '2 hours'});
	$journal->sql('UPDATE order_gateway_journal_call SET not_before = now(), expires_at = now()'
		  . " WHERE call_id = $call");
	$journal->crash;
	$journal->wait_for($call, 'done', 'the call is done');
	is($journal->letters($call), '-', '... and was not sent');
	is_deeply(arrived(), {}, '... for certain');
};

# ----
# Poison
# ----

subtest 'a worker that is told to end is no crash' => sub {
	my $crashes = installation('crashes');
	my $pid = $journal->worker_pid;

	$journal->sql("SELECT pg_terminate_backend($pid)");
	$journal->wait_for_worker('another worker comes', $pid);
	$journal->wait_until('SELECT running FROM order_gateway_installation', '... and begins');
	is(installation('crashes'), $crashes, '... and counts none');
	$node->restart;
	$journal->wait_for_worker('so it is after a restart');
	$journal->wait_until('SELECT running FROM order_gateway_installation', '... when it begins');
	is(installation('crashes'), $crashes, '... and counts none, either');
	$node->stop('immediate');
	$node->start;
	$journal->wait_for_worker('and after an immediate shutdown');
	$journal->wait_until('SELECT crashes = 1 + ' . $crashes
		  . ' FROM order_gateway_installation', '... one is counted');
};

# A crash is what happens to a call that gets no answer here.  It sends a hundred
# orders at a time, so each crash leaves so many unknown.
subtest 'Poison: a call that crashes the server twice is given up, and no other' => sub {
	fresh(1 .. 1000);
	$test->servers('mute', kind => 'mute', providers => ['xt'], connect_timeout => '1h');
	my $poison = $journal->cancel([ 1 .. 450 ], server => 'xt_mute');
	ok($sandbox->wait_for(phase => 'accepted', port => 'mute', count => 1, seconds => 60),
		'a call is being made');
	my $other = $journal->cancel([901], not_before => q{now() + interval '1 hour'});
	foreach my $trial (1 .. 2)
	{
		$journal->crash;
		ok( $sandbox->wait_for(phase => 'accepted', port => 'mute', count => 1 + $trial, seconds => 60),
			'it is made again');
		is($journal->sql('SELECT count(*) FROM order_gateway_journal_trial'
				  . " WHERE call_id = $poison"), $trial, '... as a trial, which is committed');
	}
	my $new = $journal->cancel([902]);
	$journal->wait_for($new, 'done', 'what is submitted meanwhile does not wait for it');
	$journal->crash;
	$journal->wait_for($poison, 'quarantined', 'the call is given up');
	is($journal->letters($poison), 'U*300-*150',
		'... what may have been sent is unknown, and the rest was not sent');
	like($journal->of($poison, 'note'), qr/^the call was given up: the server crashed/, '... which is said');
	is($journal->of($other, 'state'), 'queued', 'another is not');
	is($journal->letters($new), 'C', '... and one that was made is as it was');
	is_deeply(arrived(), { 902 => 1 }, 'nothing was sent that says otherwise');
	ok($journal->sql('SELECT quarantined > 0 FROM order_gateway_workers') eq 't',
		'the worker shows that there is one');
};

# ----
# J4
# ----

# A database with the same tables: what it has of the calls is never sent.
sub check_copy
{
	my ($copy, $call, $name) = @_;

	is($copy->of($call, 'state'), 'quarantined', "$name has the call, as one that is not sent");
	like($copy->of($call, 'note'), qr/belongs to another installation/, '... which is said');
	return;
}

# A call that waits, and is due at once in the copies that are made then.
sub queue_call
{
	fresh(1 .. 3);
	my $call = $journal->cancel([1], not_before => q{now() + interval '1 hour'});

	return $call;
}

sub set_databases
{
	my ($databases) = @_;

	$journal->sql("ALTER SYSTEM SET order_gateway.databases = '$databases'");
	$journal->sql('SELECT pg_reload_conf()');
	return;
}

subtest 'J4: a copy made by CREATE DATABASE ... TEMPLATE sends nothing of the original' => sub {
	my $call = queue_call();

	$journal->sql('SELECT count(*) FROM order_gateway_installation');
	$node->safe_psql('template1', 'CREATE DATABASE copy TEMPLATE postgres');
	my $copy = OrderGateway::Journal->new($node, 'copy');
	$copy->sql('UPDATE order_gateway_journal_call SET not_before = now()');
	set_databases('postgres, copy');
	$copy->wait_for_worker('the copy has a worker');
	my $own = $copy->cancel([2]);
	$copy->wait_for($own, 'done', 'what is submitted there is made');
	is($copy->letters($own), 'C', '... as always');
	check_copy($copy, $call, 'the copy');
	isnt(installation('id', $copy), installation('id'), 'it is another installation');
	is_deeply(arrived(), { 2 => 1 }, 'nothing else has arrived');
	is($journal->of($call, 'state'), 'queued', 'the original goes on with it');
	set_databases('postgres');
};

subtest 'J4: a dump that is restored elsewhere sends nothing' => sub {
	my $call = queue_call();
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';

	$node->command_ok([ 'pg_dump', '--file', $dump, '--dbname', $node->connstr('postgres') ],
		'the database can be dumped');
	$node->safe_psql('template1', 'CREATE DATABASE restored');
	$node->command_ok([ 'psql', '--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--file', $dump,
			'--dbname', $node->connstr('restored') ], '... and restored');
	my $restored = OrderGateway::Journal->new($node, 'restored');
	$restored->sql('UPDATE order_gateway_journal_call SET not_before = now()');
	set_databases('postgres, restored');
	$restored->wait_for_worker('it has a worker');
	my $own = $restored->cancel([2]);
	cmp_ok($own, '>', $call, 'what is submitted there has a number of its own');
	$restored->wait_for($own, 'done', '... and is made');
	check_copy($restored, $call, 'it');
	is_deeply(arrived(), { 2 => 1 }, 'nothing else has arrived');
	set_databases('postgres');
};

subtest 'J4: a subscriber of all tables sends nothing' => sub {
	my $call = queue_call();
	my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');

	$subscriber->init;
	$subscriber->append_conf('postgresql.conf',
		"shared_preload_libraries = 'order_gateway'\norder_gateway.databases = 'postgres'\n");
	$subscriber->start;
	$sandbox->install($subscriber, extension => 1, rate_limit => 'off');
	my $copy = OrderGateway::Journal->new($subscriber);
	my $before = installation('id', $copy);
	$journal->sql('CREATE PUBLICATION everything FOR ALL TABLES');
	$copy->sql('CREATE SUBSCRIPTION everything CONNECTION '
		  . OrderGateway::Test::sql_text($node->connstr('postgres')) . ' PUBLICATION everything');
	$subscriber->wait_for_subscription_sync($node, 'everything');
	is($copy->sql('SELECT count(*) FROM order_gateway_journal_call') > 0 ? 'some' : 'none', 'some',
		'calls have arrived');
	my $late = $journal->cancel([2]);
	$journal->wait_for($late, 'done', 'one more is made by the publisher');
	$copy->wait_until("SELECT count(*) = 1 FROM order_gateway_journal_end WHERE call_id = $late",
		'... and replicated');
	is($copy->sql('SELECT string_agg(id::text, $$,$$) FROM order_gateway_installation'), $before,
		'the subscriber has its own installation, and no other');
	check_copy($copy, $call, 'the subscriber');
	is_deeply(arrived(), { 2 => 1 }, 'nothing has arrived but what the publisher sent');
	$copy->sql('DROP SUBSCRIPTION everything');
	$journal->sql('DROP PUBLICATION everything');
	$subscriber->stop;
};

# ----
# J7
# ----

subtest 'J7: the journal keeps calls for order_gateway.journal_keep' => sub {
	fresh(1 .. 10, 1001 .. 4000);
	my $large = $journal->cancel([ 1001 .. 4000 ]);
	my $named = $journal->submit('batch_cancel', q{'btc_usdt'}, 'ARRAY[1]', q{reference => 'kept'});
	my $unknown = $journal->cancel([2]);
	my $recent = $journal->cancel([3]);
	my $open = $journal->cancel([4], not_before => q{now() + interval '1 hour'});

	$journal->wait_for($_, 'done', 'a call is done') foreach $large, $named, $unknown, $recent;
	$journal->sql(<<"END");
UPDATE order_gateway_journal_result SET outcome = 'unknown' WHERE call_id = $unknown;
UPDATE order_gateway_journal_call SET submitted_at = now() - interval '2 days' WHERE call_id <= $open;
UPDATE order_gateway_journal_end SET done_at = now() - interval '1 day' WHERE call_id <> $recent;
UPDATE order_gateway_journal_end SET done_at = now() - interval '23 hours 50 min' WHERE call_id = $recent;
END
	my @tables = qw(call mark result trial end withdrawal reference);
	my $rows = join(' UNION ALL ', map {
			"SELECT '$_' AS what, call_id FROM order_gateway_journal_$_"
	} @tables);

	is($journal->sql("SELECT count(DISTINCT call_id) FROM ($rows) AS r WHERE call_id IN ($large, $named, $unknown)"),
		3, 'old calls are there, as long as they are to be kept');
	$journal->sql(q{ALTER SYSTEM SET order_gateway.journal_keep = '1435min'});
	$journal->sql('SELECT pg_reload_conf()');
	$journal->wait_until("SELECT count(*) = 0 FROM ($rows) AS r WHERE call_id IN ($large, $named, $unknown)",
		'what was done before goes with all its rows, also if it is unknown');
	is($journal->of($recent, 'cancelled'), 1, 'what was done later stays');
	is($journal->of($open, 'state'), 'queued', 'what is not done stays, however old');
	is($journal->letters($recent), 'C', '... with its results');
	my $again = $journal->submit('batch_cancel', q{'btc_usdt'}, 'ARRAY[1]', q{reference => 'kept'});
	cmp_ok($again, '>', $open, 'the name of a call that went can be given again');
	$journal->wait_for($again, 'done', '... to one that is made');
	is($journal->of($again, 'reference'), 'kept', '... and has it');
};

$sandbox->stop;
$node->stop;
done_testing();
