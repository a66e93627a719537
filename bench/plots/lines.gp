# Lines over depth or size, both axes logarithmic.
# Set by mqxx-bench: source, target, peers, headline, y_text, x_text.
load ARG0[1:strlen(ARG0)-strlen('lines.gp')] . 'style.gp'
set logscale x
set format x '%.0s%c'
set xlabel x_text noenhanced
set key outside right top noenhanced
plot for [i = 1:words(peers)] source skip 1 using 2:(column(i + 2)) \
  with linespoints linewidth 2 pointtype 7 pointsize 0.6 linecolor rgb colour(word(peers, i)) title word(peers, i)
