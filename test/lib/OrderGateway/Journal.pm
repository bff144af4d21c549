package OrderGateway::Journal;

=encoding utf8

=head1 NAME

OrderGateway::Journal - what a gateway worker makes of calls that were submitted

=head1 SYNOPSIS

  my $test = OrderGateway::Test->start(OrderGateway::Journal::worker());
  my $journal = OrderGateway::Journal->new($test->node);

  my $call = $journal->cancel([ 1, 2 ]);
  $journal->wait_for($call, 'done', 'it is made');
  is($journal->letters($call), 'CC', '... and both are cancelled');

=head1 DESCRIPTION

All of it is seen by SQL, in database C<postgres> if no other is named.  What
waits has a bound, and is one test.

=cut

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(sql_array sql_text);

my $TIMEOUT = $PostgreSQL::Test::Utils::timeout_default;

=head2 OrderGateway::Journal::worker(%settings)

Options for OrderGateway::Test->start: a cluster with a worker for database
C<postgres>, and more settings.

=cut

sub worker
{
	my (%settings) = @_;
	my %all = (
		'order_gateway.databases' => 'postgres',
		restart_after_crash => 'on',
		max_worker_processes => 16,
		%settings);

	return (
		preload => 1,
		conf => join('', map { "$_ = '$all{$_}'\n" } sort keys %all));
}

=head2 OrderGateway::Journal->new($node, $database)

=cut

sub new
{
	my ($class, $node, $database) = @_;

	return bless { node => $node, database => $database // 'postgres' }, $class;
}

=head2 $journal->sql($sql)

What a statement answers; dies of an error.

=cut

sub sql
{
	my ($self, $sql) = @_;

	return $self->{node}->safe_psql($self->{database}, $sql);
}

=head2 $journal->set($setting, $value), $journal->fail_over($to)

Sets it for the whole server.  Ends this server at once, promotes that standby,
and answers its journal, when it has a worker.

=cut

sub set
{
	my ($self, $setting, $value) = @_;

	$self->sql("ALTER SYSTEM SET $setting = '$value'");
	$self->sql('SELECT pg_reload_conf()');
	return;
}

sub fail_over
{
	my ($self, $to) = @_;
	my $promoted = (ref $self)->new($to, $self->{database});
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$self->{node}->stop('immediate');
	$to->promote;
	$promoted->wait_for_worker('the promoted server has a worker');
	return $promoted;
}

=head2 $journal->cancel($ids, %options), $journal->submit($function, @arguments)

Submit cancels of orders at XT, C<server> of them, C<not_before> and
C<expires_at> as SQL, C<before> as SQL that goes first; or any call, its
arguments as SQL.  Answer the call's id.

=cut

sub cancel
{
	my ($self, $ids, %options) = @_;

	return $self->submit(
		'batch_cancel', sql_text('btc_usdt'), sql_array(@$ids),
		'server => ' . sql_text($options{server} // 'xt'),
		(map { "$_ => $options{$_}" } grep { $options{$_} } qw(not_before expires_at)),
		{ before => $options{before} // '' });
}

sub submit
{
	my ($self, $function, @arguments) = @_;
	my $options = ref $arguments[-1] ? pop @arguments : {};

	return $self->sql(($options->{before} // '')
		  . "SELECT ${function}_submit(" . join(', ', @arguments) . ')');
}

=head2 $journal->of($call, $column), $journal->letters($call), $journal->words($call)

A column of the call; the outcomes of its orders, as OrderGateway::Test has
them; their different messages.

=cut

sub of
{
	my ($self, $call, $column) = @_;

	return $self->sql("SELECT $column FROM order_gateway_calls WHERE call_id = $call");
}

sub letters
{
	my ($self, $call) = @_;
	my @rows = map { { outcome => $_, ordinal => 0 } } split /\n/,
	  $self->sql('SELECT outcome FROM order_gateway_results'
		  . " WHERE call_id = $call ORDER BY ordinal")
	  =~ s/\baccepted\b/cancelled/gr;

	$rows[$_]{ordinal} = $_ + 1 foreach 0 .. $#rows;
	return OrderGateway::Test::letters(\@rows);
}

sub words
{
	my ($self, $call) = @_;

	return $self->sql('SELECT DISTINCT message FROM order_gateway_results'
		  . " WHERE call_id = $call AND message IS NOT NULL ORDER BY 1");
}

=head2 $journal->wait_for($call, $state, $name), $journal->wait_until($sql, $name)

Until the call is in that state; until a query answers true.

=cut

sub wait_for
{
	my ($self, $call, $state, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return $self->wait_until(
		"SELECT state = '$state' FROM order_gateway_calls WHERE call_id = $call", $name);
}

sub wait_until
{
	my ($self, $sql, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return ok($self->{node}->poll_query_until($self->{database}, $sql), $name);
}

=head2 $journal->worker_pid, $journal->wait_for_worker($name, $not), $journal->crash

The worker's process, 0 = there is none; until there is one, other than C<$not>.
Kills it the hard way, which ends all others, and waits until there is one again.

=cut

sub worker_pid
{
	my ($self) = @_;

	return $self->sql('SELECT coalesce(max(pid), 0) FROM pg_stat_activity'
		  . " WHERE backend_type = 'order_gateway worker'"
		  . ' AND datname = current_database()');
}

sub wait_for_worker
{
	my ($self, $name, $not) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return $self->wait_until('SELECT count(*) = 1 FROM pg_stat_activity'
		  . " WHERE backend_type = 'order_gateway worker'"
		  . ' AND datname = current_database() AND pid <> ' . ($not // 0), $name);
}

sub crash
{
	my ($self) = @_;
	my $pid = $self->worker_pid;
	my $deadline = time + $TIMEOUT;

	kill 'KILL', $pid;
	sleep 0.05 while kill(0, $pid) && time < $deadline;
	return $self->wait_for_worker('a worker that was killed is there again', $pid);
}

1;
