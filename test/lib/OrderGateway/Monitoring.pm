package OrderGateway::Monitoring;

=encoding utf8

=head1 NAME

OrderGateway::Monitoring - examples/monitoring, read for the tests

=head1 SYNOPSIS

  my $monitoring = OrderGateway::Monitoring->new($top);

  foreach my $query ($monitoring->queries) { ... $query->{sql} ... }
  foreach my $alert ($monitoring->alerts) { ... $alert->{runbook_url} ... }
  foreach my $panel ($monitoring->panels('prometheus')) { ... }

=head1 DESCRIPTION

The YAML is read as it is written in those files, line by line; whatever else
YAML knows is an error.

=cut

use strict;
use warnings;
use utf8;

use JSON::PP ();

=head2 OrderGateway::Monitoring->new($top)

C<$top> is the root of the source tree.

=cut

sub new
{
	my ($class, $top) = @_;

	return bless { dir => "$top/examples/monitoring" }, $class;
}

=head2 $monitoring->path($name), $monitoring->text($name)

A file of the examples: where it is, and what is in it.

=cut

sub path { return "$_[0]{dir}/$_[1]"; }

sub text
{
	my ($self, $name) = @_;

	open my $in, '<:encoding(UTF-8)', $self->path($name) or die "could not read $name: $!";
	local $/ = undef;
	return scalar <$in>;
}

=head2 $monitoring->queries($file)

The queries of the exporter, of all files or of one: hashes of C<name>, C<sql>
and C<metrics>, an array of hashes of C<name>, C<usage> and C<description>.

=cut

sub queries
{
	my ($self, @files) = @_;
	my @queries;

	@files = qw(queries.yaml queries-log.yaml) if !@files;
	foreach my $line (map { split /\n/, $self->text($_) } @files)
	{
		if ($line =~ /^(\w+):$/)
		{
			push @queries, { name => $1, sql => '', metrics => [] };
		}
		elsif ($line =~ /^    - (\w+): \{usage: ([A-Z]+), description: "([^"]+)"\}$/)
		{
			push @{ $queries[-1]{metrics} }, { name => $1, usage => $2, description => $3 };
		}
		elsif ($line =~ /^    (.*)$/)
		{
			$queries[-1]{sql} .= "$1\n";
		}
		elsif ($line !~ /^(#.*|  (master: true|cache_seconds: \d+|query: \||metrics:))?$/)
		{
			die "queries: not understood: $line";
		}
	}
	return @queries;
}

=head2 $monitoring->metrics

The names of all metrics that the queries make, as Prometheus will know them.

=cut

sub metrics
{
	my ($self) = @_;
	my @names;

	foreach my $query ($self->queries)
	{
		foreach my $metric (grep { $_->{usage} ne 'LABEL' } @{ $query->{metrics} })
		{
			push @names, map { "$query->{name}_$metric->{name}$_" }
			  $metric->{usage} eq 'HISTOGRAM' ? qw(_bucket _sum _count) : '';
		}
	}
	return @names;
}

=head2 $monitoring->alerts, $monitoring->records

The rules: alerts as hashes of C<name>, C<expr>, C<severity>, C<summary>,
C<description> and C<runbook_url>; recorded ones of C<name> and C<expr>.

=cut

sub _rules
{
	my ($self, $kind) = @_;
	my @rules;

	foreach my $block (split /^      - /m, $self->text('alerts.yaml'))
	{
		my ($what, $name) = $block =~ /^(alert|record): (\S+)$/m or next;
		my %rule = (name => $name);

		next if $what ne $kind;
		($rule{expr}) = $block =~ /^        expr: (?:\|\n)?(.*?)^        (?=\w)/ms
		  or ($rule{expr}) = $block =~ /^        expr: (?:\|\n)?(.*)\z/ms;
		$rule{expr} =~ s/^\s*#.*$//mg;
		($rule{severity}) = $block =~ /\{severity: (\w+)\}/;
		($rule{$_}) = $block =~ /^          $_: (.*)$/m foreach qw(summary description runbook_url);
		push @rules, \%rule;
	}
	return @rules;
}

sub alerts { return $_[0]->_rules('alert'); }
sub records { return $_[0]->_rules('record'); }

=head2 $monitoring->dashboard($which), $monitoring->panels($which)

A dashboard, C<'prometheus'> or C<'postgresql'>, from its JSON; its panels.

=cut

sub dashboard
{
	my ($self, $which) = @_;

	return JSON::PP->new->decode($self->text("dashboard-$which.json"));
}

sub panels { return @{ $_[0]->dashboard($_[1])->{panels} }; }

=head2 OrderGateway::Monitoring::expression($text), OrderGateway::Monitoring::statement($text)

An expression of Prometheus, or an SQL statement, of a panel with what Grafana
would put in place of its variables.

=cut

sub expression
{
	my ($text) = @_;
	my %value = (
		'__rate_interval' => '1m', '__range_s' => '3600', '__range' => '1h', 'foreign_server' => '.*', 'symbol' => '.*');

	$text =~ s/\$(__rate_interval|__range_s|__range|foreign_server|symbol)\b/$value{$1}/g;
	return $text;
}

sub statement
{
	my ($text) = @_;

	$text =~ s/\$__timeGroupAlias\((\w+), '1m'\)/date_bin('1 min', $1, 'epoch') AS "time"/g;
	$text =~ s/\$__timeFilter\((\w+)\)/$1 BETWEEN now() - interval '3 hours' AND now()/g;
	$text =~ s/\$\{book:sqlstring\}/'btse BTC-USD 0'/g;
	return $text;
}

1;
