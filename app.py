"""The server: `streamlit run app.py`.

Besides Streamlit's own routes it answers for uploads, thumbnails and Plotly's script (`pages/server/routes.py`), and it
starts this process's share of the job queue. What people see is `pages/navigation.py`.
"""

from streamlit import App

from pages.server.lifespan import lifespan
from pages.server.routes import MIDDLEWARE, ROUTES

app = App("pages/navigation.py", lifespan=lifespan, routes=ROUTES, middleware=MIDDLEWARE)
