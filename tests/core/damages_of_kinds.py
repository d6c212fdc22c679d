"""What an intruder does to kinds of products: (check, tables that lose their guards, statement)."""

KIND_DAMAGES = [
    (
        "what has to be made or asked is never sold with others",
        "",
        "UPDATE products SET kind = 'membership' WHERE id = (SELECT MIN(id) FROM products)",
    ),
    (
        "answers are one order's, which names them, and its buyer's",
        "",
        "UPDATE orders SET answers_id = 77 WHERE id = (SELECT MIN(id) FROM orders)",
    ),
    (
        "nobody stays in a chat when their time is over",
        "memberships",
        "INSERT INTO memberships (id, task_id, order_id, seq, customer_id, ends_at) SELECT 1, 1, id, 1, buyer_id, 1 FROM orders LIMIT 1",
    ),
    (
        "a place in a chat is of its order's buyer and its task",
        "memberships",
        "INSERT INTO memberships (id, task_id, order_id, seq, customer_id) SELECT 1, 0, id, 1, 0 - buyer_id FROM orders LIMIT 1",
    ),
    (
        "a step of work is paid by an order of its own, of its buyer",
        "milestones",
        "INSERT INTO milestones (id, job_id, seq, order_id) SELECT 1, 0, 1, id FROM orders LIMIT 1",
    ),
    (
        "a step's money is earned only when the step was accepted",
        "milestones",
        "INSERT INTO milestones (id, job_id, seq, order_id) SELECT 1, 0, 1, id FROM orders WHERE state = 'issued' LIMIT 1",
    ),
    (
        "work is done when every step of its quote was accepted",
        "service_jobs",
        "INSERT INTO service_jobs (id, state) VALUES (1, 'done')",
    ),
]
