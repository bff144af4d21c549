package OrderGateway::Erp;

=encoding utf8

=head1 NAME

OrderGateway::Erp - the database of the documents, with their recipes in it

=head1 SYNOPSIS

  use OrderGateway::Erp;

  my $erp = OrderGateway::Erp->start('job', recipes => ['cron-conf']);
  my $sandbox = $erp->sandbox;

  $sandbox->install($erp->node, database => 'erp', providers => ['xt'], extension => 1);
  $erp->run_recipes(qw(orders log-table call-outcome));
  $erp->stale_orders(1001, 20);
  is($erp->sql('SELECT count(*) FROM orders'), 20, 'there they are');

  $erp->stop;                                 # ends with all_were_run

=head1 DESCRIPTION

A cluster with a database C<erp>, the sandbox, and README.md with docs/: what
the tests have in common that run what the documents say.

=cut

use strict;
use warnings;
use utf8;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More;

use OrderGateway::Documents;
use OrderGateway::Sandbox;

=head2 OrderGateway::Erp->start($name, %options)

C<$name> is the cluster's; C<conf> and the C<recipes> that are named are put into
F<postgresql.conf>.  Without a word in them about C<shared_preload_libraries>,
C<OG_PRELOAD> decides.

=cut

sub start
{
	my ($class, $name, %opts) = @_;
	my $self = bless { documents => OrderGateway::Documents->new }, $class;
	my $conf = join "\n", $opts{conf} // '',
	  map { $self->{documents}->recipe($_) } @{ $opts{recipes} // [] };
	my $node = $self->{node} = PostgreSQL::Test::Cluster->new($name);

	$conf .= "\nshared_preload_libraries = 'order_gateway'\n"
	  if $ENV{OG_PRELOAD} && $conf !~ /^shared_preload_libraries/m;
	$node->init;
	$node->append_conf('postgresql.conf', $conf);
	$node->start;
	$node->safe_psql('postgres', 'CREATE DATABASE erp');
	$self->{sandbox} = OrderGateway::Sandbox->start(
		log => "${PostgreSQL::Test::Utils::tmp_check}/log/${name}_sandbox.log");
	return $self;
}

=head2 $erp->node, $erp->sandbox, $erp->documents

=cut

sub node { return $_[0]{node}; }
sub sandbox { return $_[0]{sandbox}; }
sub documents { return $_[0]{documents}; }

=head2 $erp->sql($sql), $erp->sql_error($sql, %options)

Run it; returns what it printed, or the error of something that must fail. The
options are those of psql() of PostgreSQL::Test::Cluster.

=cut

sub sql { return $_[0]{node}->safe_psql('erp', $_[1]); }

sub sql_error
{
	my ($self, $sql, %options) = @_;
	my ($exit, undef, $stderr) = $self->{node}->psql('erp', $sql, %options);

	isnt($exit, 0, "fails: $sql");
	return $stderr;
}

=head2 $erp->start_sql($sql, @options), $erp->finish_sql($process)

Run statements in a process of their own, each as its own transaction; wait for
its end, and return the errors.  The options are psql's.

=cut

sub start_sql
{
	my ($self, $sql, @options) = @_;
	my $process = { output => '' };

	$process->{run} = IPC::Run::start(
		[ 'psql', '-X', '-q', '-A', '-t', '-d', $self->{node}->connstr('erp'), @options,
			map { ('-c', $_) } split /(?<=;)\n/, $sql ],
		'<', \undef, '>', \$process->{output}, '2>', \$process->{error},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $process;
}

sub finish_sql
{
	my ($self, $process) = @_;

	IPC::Run::finish($process->{run});
	return $process->{error} // '';
}

=head2 $erp->run_recipes(@names)

Recipes of SQL, one after the other.

=cut

sub run_recipes
{
	my ($self, @names) = @_;

	$self->sql($self->{documents}->recipe($_)) foreach @names;
	return;
}

=head2 $erp->stale_orders($first, $n, %more)

So many orders of two hours ago, at XT and in C<orders>; C<%more> is said of them to
the sandbox.

=cut

sub stale_orders
{
	my ($self, $first, $n, %more) = @_;

	$self->{sandbox}->seed('xt', market => 'btc_usdt', range => [ $first, $n ], %more);
	$self->sql(qq{
		INSERT INTO orders (id, provider, market, placed_at)
		SELECT i::text, 'xt', 'btc_usdt', now() - interval '2 hours'
		FROM generate_series($first, $first + $n - 1) AS i});
	return;
}

=head2 $erp->orders_by_status

"cancelled 20, open 3": how many of C<orders> have which status.

=cut

sub orders_by_status
{
	my ($self) = @_;

	return $self->sql(q{
		SELECT string_agg(status || ' ' || n, ', ' ORDER BY status)
		FROM (SELECT status, count(*) AS n FROM orders GROUP BY 1) AS s});
}

=head2 $erp->log_end, $erp->log_since($place)

The end of the server's log; the rest of it from some place on.

=cut

sub log_end { return -s $_[0]{node}->logfile; }
sub log_since { return PostgreSQL::Test::Utils::slurp_file($_[0]{node}->logfile, $_[1]); }

=head2 $erp->stop(@excused)

Ends all, and tests that all recipes were run but for those that are excused.

=cut

sub stop
{
	my ($self, @excused) = @_;

	$self->{documents}->all_were_run(@excused);
	$self->{sandbox}->stop;
	$self->{node}->stop;
	return;
}

1;
