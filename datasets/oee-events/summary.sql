-- Hours by state, stops and parts of each machine. View: rows.
SELECT machine,
       CAST(coalesce(sum(duration_s) FILTER (element = 'APT'), 0) / 3600 AS DECIMAL(18, 2)) AS production_h,
       CAST(coalesce(sum(duration_s) FILTER (element = 'AUST'), 0) / 3600 AS DECIMAL(18, 2)) AS setup_h,
       CAST(coalesce(sum(duration_s) FILTER (element = 'ADET'), 0) / 3600 AS DECIMAL(18, 2)) AS delay_h,
       CAST(coalesce(sum(duration_s) FILTER (state = 'idle'), 0) / 3600 AS DECIMAL(18, 2)) AS idle_h,
       CAST(coalesce(sum(duration_s) FILTER (state = 'unknown'), 0) / 3600 AS DECIMAL(18, 2)) AS unknown_h,
       CAST(100 * sum(duration_s) FILTER (element = 'APT') / nullif(sum(duration_s) FILTER (state <> 'unknown'), 0) AS DECIMAL(9, 2)) AS availability,
       count(*) FILTER (state = 'down') AS stops,
       CAST(100 * count(*) FILTER (state = 'down' AND reason IS NOT NULL) / nullif(count(*) FILTER (state = 'down'), 0) AS DECIMAL(9, 1)) AS reason_known,
       sum(parts) AS parts,
       CAST(100 * sum(good_parts) / nullif(sum(parts) FILTER (good_parts IS NOT NULL), 0) AS DECIMAL(9, 2)) AS quality
FROM rows GROUP BY machine ORDER BY machine
