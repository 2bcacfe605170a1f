# The plot of what box_memory or pool_memory printed: gnuplot -e "dir='...'; rounds_of='...'" style.gp
# memory/plot.gp
unset logscale y
set xtics autofreq norotate
set yrange [0:*]
unset key
set linetype 1 lc rgb '#d62728'
set xlabel 'round'
set ylabel 'resident memory, MiB'
file = dir.'/memory.dat'
if (has(file)) {
  set output dir.'/memory.svg'
  set title rounds_of.', round after round'
  plot file using 1:($2 / 1024) with lines lw 2
}
