package OrderGateway::Appended;

=encoding utf8

=head1 NAME

OrderGateway::Appended - what streams of BTSE append, for TAP tests

=head1 SYNOPSIS

  use OrderGateway::Appended;

  my $streams = OrderGateway::Appended->start;
  my $fills = $streams->follow('fills');

  $streams->fill(10);
  $streams->fills_ok('each fill once');

=head1 DESCRIPTION

A cluster with a gateway worker, the sandbox, and a server C<btse> with streams.

=cut

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes ();

use OrderGateway::Test qw(sql_text);

=head2 OrderGateway::Appended->start(%options)

Options are those of C<< OrderGateway::Test->start >>.

=head2 $streams->test, node, sandbox

What that has made.

=cut

sub start
{
	my ($class, %options) = @_;
	my $server = delete $options{options} // {};
	my $test = OrderGateway::Test->start(
		worker => 1,
		conf => "restart_after_crash = on\n" . (delete $options{conf} // ''),
		options => { streams => 1, rate_limit => 'off', query_rate_limit => 'off', %$server },
		%options);

	return bless { test => $test, made => 0 }, $class;
}

sub test { return $_[0]{test}; }
sub node { return $_[0]{test}->node; }
sub sandbox { return $_[0]{test}->sandbox; }

=head2 $streams->sql($sql)

Its answer, as text.

=head2 $streams->wait_sql($sql, $expected, $name, $seconds)

One test: the answer becomes that, within C<$seconds> (60).

=cut

sub sql { return $_[0]->node->safe_psql('postgres', $_[1]); }

sub wait_sql
{
	my ($self, $sql, $expected, $name, $seconds) = @_;
	my $until = Time::HiRes::time() + ($seconds // 60);
	my $got = '';

	while (1)
	{
		my $ret = $self->node->psql('postgres', $sql, stdout => \$got, stderr => \my $errors);

		chomp $got;
		last if $ret == 0 && $got eq $expected;
		last if Time::HiRes::time() > $until;
		Time::HiRes::sleep(0.1);
	}
	return is($got, $expected, $name) || $self->tell_why;
}

# What may tell why.
sub tell_why
{
	my ($self) = @_;

	$self->node->psql('postgres', <<'', stdout => \my $text);
SELECT format('stream %s: %s, %s messages, %s rows, %s queued, %s', stream_id, state, messages, rows, queued, last_error)
FROM order_gateway_streams
UNION ALL
SELECT format('%s: %s %s %s to %s, %s rows', event, kind, message, from_time, to_time, rows)
FROM (SELECT * FROM btse_stream_event ORDER BY event_id DESC LIMIT 20) AS e

	diag($text // '');
	return 0;
}

=head2 $streams->add_trader($sql)

A role C<trader> that may start streams at C<btse> with an account there, its schema
C<desk>, and what that role then does.

=cut

sub add_trader
{
	my ($self, $sql) = @_;

	$self->sql(q{
		CREATE ROLE trader LOGIN;
		GRANT USAGE ON FOREIGN SERVER btse TO trader;
		GRANT EXECUTE ON FUNCTION btse_stream_start, btse_stream_stop TO trader;
		CREATE SCHEMA desk AUTHORIZATION trader;});
	$self->sql($self->sandbox->mapping_sql('btse', role => 'trader'));
	return $self->sql("SET ROLE trader; $sql");
}

=head2 $streams->follow($kind, %options)

Starts a stream, waits until it is live, and answers its number.  C<symbol>,
C<into>, C<server>; C<state> another one to wait for; C<role>, who starts it.

=cut

sub follow
{
	my ($self, $kind, %options) = @_;
	my $symbol = defined $options{symbol} ? sql_text($options{symbol}) : 'NULL';
	my $into = defined $options{into} ? sql_text($options{into}) : 'NULL';
	my $server = sql_text($options{server} // 'btse');
	my $role = $options{role} ? "SET ROLE $options{role};" : '';
	my $id = $self->sql("$role SELECT btse_stream_start(" . sql_text($kind)
		  . ", $symbol, into_table => $into, server => $server)");

	$self->state_ok($id, $options{state} // 'live', "$kind are followed");
	return $id;
}

=head2 $streams->state_ok($id, $state, $name, $seconds)

One test: the stream is in that state, or will be.

=cut

sub state_ok
{
	my ($self, $id, $state, $name, $seconds) = @_;

	return $self->wait_sql("SELECT state FROM order_gateway_streams WHERE stream_id = $id",
		$state, $name, $seconds);
}

=head2 $streams->fill($count, %how)

So many fills of the account, of orders of their own, each with a price and a size
of its own.  C<market>.

=cut

sub fill
{
	my ($self, $count, %how) = @_;

	foreach my $number (1 .. $count)
	{
		my $made = ++$self->{made};
		my $id = sprintf('f0000000-0000-4000-8000-%012d', $made);

		$self->sandbox->seed('btse', market => $how{market} // 'BTC-USD', ids => [$id],
			fields => { size => '3.5', price => '10' });
		$self->sandbox->fill('btse', $id, size => sprintf('0.%06d', $made),
			price => sprintf('%d.%04d', 20 + $made, $made));
	}
	return;
}

=head2 $streams->fills_ok($name, %options)

One test: the log has every fill that the sandbox has made, once, with its own
price and size, or will have it.  C<table>, C<seconds>.

=cut

sub fills_ok
{
	my ($self, $name, %options) = @_;
	my $table = $options{table} // 'btse_fill_log';
	my @true = sort map { join ' ', $_->{serialId}, map { trim($_) } @$_{qw(filledPrice filledSize)} }
	  @{ $self->sandbox->stream_fills };

	return $self->wait_sql(<<"", join("\n", @true), $name, $options{seconds});
SELECT serial_id || ' ' || trim_scale(filled_price) || ' ' || trim_scale(filled_size) FROM $table
ORDER BY (serial_id || ' ' || trim_scale(filled_price) || ' ' || trim_scale(filled_size)) COLLATE "C"

}

=head2 OrderGateway::Appended::trim($number)

The number, without zeros that say nothing.

=cut

sub trim
{
	my ($number) = @_;

	$number =~ s/\.?0+$// if $number =~ /\./;
	return $number;
}

=head2 $streams->kill_worker

Kills the stream worker, and so has the cluster begin anew; answers when it has.

=head2 $streams->kill_postmaster

Kills the cluster, and starts it again.

=cut

sub kill_worker
{
	my ($self) = @_;
	my $pid = $self->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type LIKE '%stream%'});

	return $self->test->crash($pid, 'a stream worker was killed: the cluster is there again');
}

sub kill_postmaster
{
	my ($self) = @_;

	$self->node->kill9;

	# It may not be buried yet, so that its files stand in the way; and its
	# processes take a moment to notice.
	unlink $self->node->data_dir . '/postmaster.pid';
	foreach (1 .. 300)
	{
		return if $self->node->start(fail_ok => 1);
		Time::HiRes::sleep(0.1);
	}
	die 'the cluster does not start again';
}

1;
