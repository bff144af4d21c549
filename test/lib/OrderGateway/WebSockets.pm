package OrderGateway::WebSockets;

=pod

=head1 NAME

OrderGateway::WebSockets - a server that opens WebSockets, and the other sides

=head1 SYNOPSIS

  my $websockets = OrderGateway::WebSockets->start;
  my $run = $websockets->run('tls', 'hello', want => 3);
  is($run->{last}, 'three');
  is($websockets->seen('hello')->{code}, 1000);

=head1 DESCRIPTION

A cluster with the functions of F<test/websocket/*.c>, which drive the rooms http
and ground without the extension, and F<test/websocket/peers>, whose functions say
what the other side can do.

=cut

use strict;
use warnings;
use utf8;

use File::Temp ();
use HTTP::Tiny;
use IPC::Run ();
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

use OrderGateway::Linked;

my @COLUMNS = qw(state problem hopeless status code reason messages bytes last said
  sleeps longest_us rest_status opened);

=head2 OrderGateway::WebSockets->start

Starts both.  They end with the test.

=cut

sub start
{
	my ($class) = @_;
	my $node = PostgreSQL::Test::Cluster->new('websockets');
	my $library = OrderGateway::Linked::build('websocket', qw(http ground));
	my $self = bless { node => $node, dir => File::Temp->newdir, out => '', in => '' }, $class;

	$node->init;
	$node->start;
	$node->safe_psql('postgres', <<"END");
CREATE FUNCTION websocket_run(url text, ca text, timeout_ms int, patience_ms int, say text,
	times int, want int, per_round int, rest text)
RETURNS TABLE (state text, problem text, hopeless bool, status int, code int, reason text,
	messages bigint, bytes bigint, last text, said int, sleeps bigint, longest_us bigint,
	rest_status int, opened bool)
AS '$library' LANGUAGE C;
CREATE FUNCTION websocket_hold(urls text[], ca text, seconds int, want int)
RETURNS TABLE (open int, messages bigint, cpu_us bigint, peak bigint, problem text)
AS '$library' LANGUAGE C
END
	$self->{peers} = IPC::Run::start([ 'test/websocket/peers', "$self->{dir}" ],
		'<', \$self->{in}, '>', \$self->{out});
	$self->{peers}->pump until $self->{out} =~ /\n/;
	$self->{ready} = decode_json($self->{out});
	return $self;
}

=head2 $websockets->url($port, $path)

The URL of a peer; the port is one of those that F<peers> has.

=cut

sub url
{
	my ($self, $port, $path) = @_;

	return sprintf('%s://localhost:%d/%s', $port eq 'plain' ? 'ws' : 'wss',
		$self->{ready}{ports}{$port}, $path);
}

sub ca { return $_[0]{ready}{ca}; }
sub node { return $_[0]{node}; }

=head2 $websockets->run($port, $path, %options)

What websocket_run() answers, as a hash.  Options are its arguments, and C<url>
instead of both.

=head2 $websockets->run_sql($port, $path, %options)

The statement for it.

=cut

sub _text { return defined $_[0] ? "'" . ($_[0] =~ s/'/''/gr) . "'" : 'NULL'; }

sub run_sql
{
	my ($self, $port, $path, %options) = @_;
	my @arguments = (
		_text($options{url} // $self->url($port, $path)),
		_text(exists $options{ca} ? $options{ca} : $self->ca),
		$options{timeout_ms} // 5000,
		$options{patience_ms} // 20000,
		_text($options{say}),
		$options{times} // 1,
		$options{want} // 0,
		$options{per_round} // 0,
		_text($options{rest}));

	return 'SELECT * FROM websocket_run(' . join(', ', @arguments) . ')';
}

sub run
{
	my ($self, @what) = @_;
	my %run;

	@run{@COLUMNS} = split /\|/, $self->{node}->safe_psql('postgres', $self->run_sql(@what)), -1;
	return \%run;
}

=head2 $websockets->hold($seconds, $want, @urls)

What websocket_hold() answers, as a hash.

=cut

sub hold
{
	my ($self, $seconds, $want, @urls) = @_;
	my $urls = join ', ', map { _text($_) } @urls;
	my %hold;

	@hold{qw(open messages cpu_us peak problem)} = split /\|/,
	  $self->{node}->safe_psql('postgres',
		"SELECT * FROM websocket_hold(ARRAY[$urls], " . _text($self->ca) . ", $seconds, $want)"), -1;
	return \%hold;
}

=head2 $websockets->seen($path)

What a peer has seen of its last client, when that is gone: a hash with C<texts>,
C<pongs>, C<code> (of its farewell), C<masked> (was every frame), C<end> (how its
connection ended), C<alpn> and C<request> (lines).  Waits for it.

=cut

sub seen { return $_[0]->_ask('seen', $_[1]); }

=head2 $websockets->met($path)

Waits until a client has been granted its upgrade there.

=cut

sub met { return $_[0]->_ask('met', $_[1]); }

sub _ask
{
	my ($self, $what, $path) = @_;

	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $answer = HTTP::Tiny->new->get(
			"http://localhost:$self->{ready}{ports}{plain}/$what?of=$path");
		
		return JSON::PP->new->allow_nonref->decode($answer->{content})
		  if $answer->{content} ne 'null';
		select undef, undef, undef, 0.1;
	}
	die "no peer has $what a client for $path";
}

sub DESTROY
{
	my ($self) = @_;

	local ($?, $@);
	eval { $self->{peers}->kill_kill(grace => 1) };
	return;
}

1;
