-- What the rows of each machine come to. View: rows.
SELECT machine, count(*) AS cycles, CAST(median(cycle_time) AS DECIMAL(18, 2)) AS cycle_time_median,
       CAST(avg(cushion_volume) AS DECIMAL(18, 3)) AS cushion_mean,
       count(*) FILTER (inspected) AS inspected, count(*) FILTER (result = 'bad') AS bad,
       CAST(100 * count(*) FILTER (result = 'bad') / nullif(count(*) FILTER (inspected), 0) AS DECIMAL(9, 2)) AS bad_share
FROM rows GROUP BY machine ORDER BY machine
