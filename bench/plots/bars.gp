# Grouped bars: workloads across, a bar for each peer. Logarithmic, because ratios are what counts.
# Set by mqxx-bench: source, target, peers, headline, y_text, x_text.
load ARG0[1:strlen(ARG0)-strlen('bars.gp')] . 'style.gp'
set style data histogram
set style histogram clustered gap 1
set style fill solid 1.0 noborder
set boxwidth 0.9
set xtics rotate by -20 noenhanced scale 0
set key outside right top noenhanced
plot for [i = 1:words(peers)] source skip 1 using (column(i + 2)):xtic(1) \
  linecolor rgb colour(word(peers, i)) title word(peers, i)
