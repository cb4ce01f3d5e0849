"""What the product ships as policy: data, replaceable by operators rule by rule."""
