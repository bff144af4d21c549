use strict; use warnings; use utf8;
use Test::More; use Time::HiRes qw(time sleep);
use OrderGateway::Test qw(call_sql letters);
my $test = OrderGateway::Test->start(options => { rate_limit => 'off', max_response_size => '64MB' });
my $sb = $test->sandbox; my $s = $test->session; my $w = $test->session;
$sb->settings(accept_any_id=>'on');
my $pid=$s->pid;
my @c = (
 ['blanks', sub { $sb->arm('oversize', provider=>'xt', bytes=>60000000, times=>0) }],
 ['message x', sub { $sb->arm('oversize_message', provider=>'xt', bytes=>60000000, times=>0) }],
 ['message esc', sub { $sb->arm('oversize_message', provider=>'xt', bytes=>30000000, fill=>"\n", times=>0) }],
 ['message cjk', sub { $sb->arm('oversize_message', provider=>'xt', bytes=>60000000, fill=>"\x{4e2d}", times=>0) }],
 ['array 4M', sub { $sb->arm('status', provider=>'xt', status=>200, times=>0, body=>'{"code":200,"info":"success","data":['.join(',',(1)x4e6).']}') }],
 ['elements 200k', sub { $sb->arm('status', provider=>'xt', status=>200, times=>0, body=>'{"code":200,"info":"success","data":['.join(',',map {qq({"id":$_,"code":120,"msg":"x"})} 1..200000).']}') }],
 ['keys 500k', sub { $sb->arm('status', provider=>'xt', status=>200, times=>0, body=>'{"code":200,"info":"success","data":[],'.join(',',map {qq("k$_":1)} 1..500000).'}') }],
);
foreach my $c (@c) {
 $sb->reset; $sb->settings(accept_any_id=>'on'); $c->[1]->();
 my $sql = "SELECT outcome FROM ".call_sql('xt',[7]);
 my $t=time; $s->send($sql); $sb->wait_for(phase=>'answered', count=>1, seconds=>100); my $a=time; my $r=$s->finish; my $d=time-$a; my $tot=time-$t;
 my ($max,$n,@all)=(0,0);
 for my $k (1..16) {
  my $f=$k/17; 
  $s->send($sql); $sb->wait_for(phase=>'answered', count=>$k+1, seconds=>100);
  sleep($d*$f);
  my $t0=time; $w->value("SELECT pg_cancel_backend($pid)"); my $r=$s->finish; my $ms=1000*(time-$t0);
  push @all, sprintf '%.0f%s', $ms, ($r->{sqlstate}//'') eq '57014' ? '' : 'o';
 }
 diag sprintf "%s: total %.0f, after answered %.0f: %s", $c->[0], 1000*$tot, 1000*$d, "@all";
}
ok(1); done_testing();
