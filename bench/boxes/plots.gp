# Draws the plots from the data files of box_report: gnuplot -e "dir='...'" style.gp boxes/plots.gp
set logscale y
set xtics rotate by -30
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 noborder

set linetype 1 lc rgb '#d62728'
set ylabel 'nanoseconds'
unset key
do for [name in 'box_pair box_one_way'] {
  file = dir.'/'.name.'.dat'
  if (has(file)) {
    set output dir.'/'.name.'.svg'
    set title name eq 'box_pair' ? 'Deliver and receive a 64-bit integer on one thread' \
      : '100,000 messages of 296 B from one thread to another'
    plot file using 2:xtic(1)
  }
}

set linetype 2 lc rgb '#ff9f6e'
set linetype 3 lc rgb '#ffd8bf'
set linetype 4 lc rgb '#1f77b4'
set ylabel 'milliseconds'
set key outside right top Left reverse samplen 1.5
file = dir.'/workloads.dat'
if (has(file)) {
  set output dir.'/workloads.svg'
  set title 'The workloads of the Haskell original'
  plot for [i = 2:5] file using i:xtic(1) title columnheader(i)
}
